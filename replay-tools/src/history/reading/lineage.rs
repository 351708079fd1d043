//! `history lineage`: what led to an event, and what it led to.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::event::moment;
use super::{JournalEvent, ReadingError, event};
use crate::OutputFormat;

/// Longer chains of causes are cut: nobody reads them, and they would need a stack of their length.
const DEEPEST: usize = 200;

/// The flags of `history lineage`.
#[derive(Debug, Clone, Args)]
pub struct LineageOptions {
    /// The id of the event.
    pub event: Uuid,
    /// Everything of the same correlation, not only what is connected with the event.
    #[arg(long)]
    pub correlation: bool,
    /// How many events of its correlation to read.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1..))]
    pub limit: i64,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// An event and what it caused.
#[derive(Debug, Serialize)]
struct Node {
    event: JournalEvent,
    /// Is it the one that was asked for?
    asked: bool,
    caused: Vec<Node>,
}

impl Node {
    fn has_asked(&self) -> bool {
        self.asked || self.caused.iter().any(Self::has_asked)
    }
}

/// Exit code 1 when there is no such event.
pub(in crate::history) async fn run(options: &LineageOptions, pool: &PgPool) -> Result<ExitCode, ReadingError> {
    let columns = event::COLUMNS;
    let events: Vec<JournalEvent> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {columns} from journal.events where metadata ->> 'correlationId' = \
         (select metadata ->> 'correlationId' from journal.events where id = $1) order by position limit $2"
    )))
    .bind(options.event)
    .bind(options.limit)
    .fetch_all(pool)
    .await?;
    if events.is_empty() {
        eprintln!("there is no event {} in the journal", options.event);
        return Ok(ExitCode::FAILURE);
    }
    let mut roots = tree(events, options.event);
    if !options.correlation {
        roots.retain(Node::has_asked);
    }
    if !roots.iter().any(Node::has_asked) {
        eprintln!(
            "event {} is not among the first {} of its correlation; ask for more with --limit",
            options.event, options.limit
        );
        return Ok(ExitCode::FAILURE);
    }
    options.output.print(&roots, || {
        let mut text = String::new();
        for root in &roots {
            write(root, 0, &mut text);
        }
        text
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Roots are events whose cause is none of the others: they came from outside, or their cause lies in another correlation.
fn tree(events: Vec<JournalEvent>, asked: Uuid) -> Vec<Node> {
    let known: std::collections::BTreeSet<Uuid> = events.iter().map(|event| event.id).collect();
    let mut by_cause: BTreeMap<Option<Uuid>, Vec<JournalEvent>> = BTreeMap::new();
    for event in events {
        let cause = event
            .metadata
            .causation_id
            .filter(|cause| known.contains(cause) && *cause != event.id);
        by_cause.entry(cause).or_default().push(event);
    }
    nodes(None, &mut by_cause, asked, 0)
}

/// Takes what it uses, so events that name each other as causes end it.
fn nodes(
    cause: Option<Uuid>,
    by_cause: &mut BTreeMap<Option<Uuid>, Vec<JournalEvent>>,
    asked: Uuid,
    depth: usize,
) -> Vec<Node> {
    if depth == DEEPEST {
        return Vec::new();
    }
    let events = by_cause.remove(&cause).unwrap_or_default();
    events
        .into_iter()
        .map(|event| Node {
            asked: event.id == asked,
            caused: nodes(Some(event.id), by_cause, asked, depth + 1),
            event,
        })
        .collect()
}

fn write(node: &Node, depth: usize, text: &mut String) {
    let mark = if node.asked { "* " } else { "  " };
    let event = &node.event;
    let indent = "  ".repeat(depth);
    let (stream, revision) = (&event.stream, event.revision);
    let line = format!(
        "{mark}{indent}{} {stream}@{revision} {} {}\n",
        event.event_type,
        moment(event.recorded_at),
        event.id
    );
    text.push_str(&line);
    for caused in &node.caused {
        write(caused, depth + 1, text);
    }
}
