//! `history show`: the life of one stream: what each event changed, and the state that they make.

use std::process::ExitCode;

use clap::Args;
use domain::administration::Administration;
use domain::conversation::Conversation;
use domain::quota::Quota;
use domain::task::Task;
use domain::{Aggregate, stored};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;

use super::event::moment;
use super::{JournalEvent, ReadingError, event};
use crate::OutputFormat;

/// The flags of `history show`.
#[derive(Debug, Clone, Args)]
pub struct ShowOptions {
    /// The stream: `task-<uuid>`, `conversation-<uuid>`, `quota-<uuid>`, `administration-projections`.
    pub stream: String,
    /// Only up to this revision: the state as it was then.
    #[arg(long, value_name = "REVISION", value_parser = clap::value_parser!(i64).range(0..))]
    pub at: Option<i64>,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// A stream and what it came to.
#[derive(Debug, Serialize)]
struct Life {
    stream: String,
    steps: Vec<Step>,
    /// The folded state after the last step; absent when an event cannot be folded by this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Value>,
    /// Why there is no state.
    #[serde(skip_serializing_if = "Option::is_none")]
    unfolded: Option<String>,
}

#[derive(Debug, Serialize)]
struct Step {
    event: JournalEvent,
    changes: Vec<Change>,
}

/// One field of the state.
#[derive(Debug, PartialEq, Serialize)]
struct Change {
    path: String,
    before: Value,
    after: Value,
}

impl Change {
    fn to_line(&self) -> String {
        let Self { path, before, after } = self;
        if before.is_null() {
            format!("  {path} = {after}\n")
        } else {
            format!("  {path}: {before} -> {after}\n")
        }
    }
}

/// Exit code 1 when there is no such stream.
pub(in crate::history) async fn run(options: &ShowOptions, pool: &PgPool) -> Result<ExitCode, ReadingError> {
    let events: Vec<JournalEvent> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "select {} from journal.events where stream = $1 and revision <= coalesce($2, revision) order by revision",
        event::COLUMNS
    )))
    .bind(&options.stream)
    .bind(options.at)
    .fetch_all(pool)
    .await?;
    if events.is_empty() {
        eprintln!("there is no stream {} in the journal", options.stream);
        return Ok(ExitCode::FAILURE);
    }
    let category = options.stream.split('-').next().unwrap_or_default();
    let life = match category {
        Conversation::CATEGORY => life::<Conversation>(&options.stream, events),
        Task::CATEGORY => life::<Task>(&options.stream, events),
        Quota::CATEGORY => life::<Quota>(&options.stream, events),
        Administration::CATEGORY => life::<Administration>(&options.stream, events),
        _ => unfolded(
            &options.stream,
            events,
            format!("this version knows no streams of category {category}"),
        ),
    };
    options.output.print(&life, || to_text(&life))?;
    Ok(ExitCode::SUCCESS)
}

fn life<A: Aggregate>(stream: &str, events: Vec<JournalEvent>) -> Life {
    let mut state = A::default();
    // Nothing has happened yet, so every field that the first event sets is shown.
    let mut before = Value::Null;
    let mut steps = Vec::new();
    let mut failure = None;
    for event in events {
        let mut changes = Vec::new();
        if failure.is_none() {
            match folded(&mut state, &event) {
                Ok(after) => {
                    compare("", &before, &after, &mut changes);
                    before = after;
                }
                Err(reason) => failure = Some(format!("revision {}: {reason}", event.revision)),
            }
        }
        steps.push(Step { event, changes });
    }
    Life {
        stream: stream.to_owned(),
        steps,
        state: failure.is_none().then_some(before),
        unfolded: failure,
    }
}

fn folded<A: Aggregate>(state: &mut A, event: &JournalEvent) -> Result<Value, String> {
    let decoded = stored::decode(&event.event_type, &event.data.0).map_err(|error| error.to_string())?;
    let own = A::Event::try_from(decoded).map_err(|_| "the event belongs to another aggregate".to_owned())?;
    state.evolve(&own);
    serde_json::to_value(&*state).map_err(|error| error.to_string())
}

fn unfolded(stream: &str, events: Vec<JournalEvent>, reason: String) -> Life {
    let step = |event| Step {
        event,
        changes: Vec::new(),
    };
    Life {
        stream: stream.to_owned(),
        steps: events.into_iter().map(step).collect(),
        state: None,
        unfolded: Some(reason),
    }
}

/// The leaves in which two states differ. Lists are leaves when their lengths differ.
fn compare(path: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    let inner = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let side = |object: &serde_json::Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                compare(&inner(name), &side(old), &side(new), changes);
            }
        }
        (Value::Null, Value::Object(new)) => {
            for (name, value) in new {
                compare(&inner(name), &Value::Null, value, changes);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (number, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&inner(&number.to_string()), old, new, changes);
            }
        }
        (Value::Array(old), Value::Array(new)) if new.starts_with(old) => {
            for (number, value) in new.iter().enumerate().skip(old.len()) {
                compare(&inner(&number.to_string()), &Value::Null, value, changes);
            }
        }
        _ => changes.push(Change {
            path: path.to_owned(),
            before: before.clone(),
            after: after.clone(),
        }),
    }
}

fn to_text(life: &Life) -> String {
    let mut text = format!("{}, {} events\n", life.stream, life.steps.len());
    for Step { event, changes } in &life.steps {
        let head = format!(
            "\n{} {} {} by {} ({})\n",
            event.revision,
            moment(event.time),
            event.event_type,
            event.metadata.actor,
            event.metadata.role.as_str()
        );
        text.push_str(&head);
        text.extend(changes.iter().map(Change::to_line));
    }
    text.push('\n');
    match (&life.state, &life.unfolded) {
        (Some(state), _) => text.extend(["state ", &format!("{state:#}"), "\n"]),
        (None, reason) => text.extend(["no state: ", reason.as_deref().unwrap_or_default(), "\n"]),
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(before: &Value, after: &Value) -> Vec<(String, Value, Value)> {
        let mut changes = Vec::new();
        compare("", before, after, &mut changes);
        let parts = |change: Change| (change.path, change.before, change.after);
        changes.into_iter().map(parts).collect()
    }

    #[test]
    fn only_what_changed_is_named_by_its_path() {
        let before = json!({"title": "a", "inner": {"same": 1, "other": 2}});
        let after = json!({"title": "a", "inner": {"same": 1, "other": 3}});
        assert_eq!(
            changes(&before, &after),
            [("inner.other".to_owned(), json!(2), json!(3))]
        );
        assert_eq!(changes(&before, &before), []);
    }

    #[test]
    fn what_is_new_comes_from_nothing_and_what_went_is_null() {
        assert_eq!(
            changes(&Value::Null, &json!({"a": 1})),
            [("a".to_owned(), Value::Null, json!(1))]
        );
        assert_eq!(
            changes(&json!({"a": 1}), &json!({})),
            [("a".to_owned(), json!(1), Value::Null)]
        );
    }

    #[test]
    fn an_entry_that_was_added_to_a_list_is_named_by_its_place() {
        let found = changes(&json!({"list": ["x"]}), &json!({"list": ["x", "y"]}));
        assert_eq!(found, [("list.1".to_owned(), Value::Null, json!("y"))]);
        let found = changes(&json!({"list": ["x"]}), &json!({"list": []}));
        assert_eq!(found, [("list".to_owned(), json!(["x"]), json!([]))]);
    }
}
