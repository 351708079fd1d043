//! The answer: what was looked at, and what is wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::clients::ClientsReport;
use super::finding::{Code, Finding, Findings, Place};

/// Everything that a verification tells.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// Is nothing wrong?
    pub ok: bool,
    /// What is wrong, the first of each kind.
    pub findings: Vec<Finding>,
    /// How many of each kind there are.
    pub counts: BTreeMap<Code, u64>,
    /// The accepted history.
    pub history: HistoryReport,
    /// The journal of a log elsewhere; absent where the journal is the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalReport>,
    /// The read models.
    pub read_models: ReadModelsReport,
    /// What clients were told; absent when no clients' log was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<ClientsReport>,
    /// How long it took.
    pub seconds: f64,
}

/// What was read of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryReport {
    /// `kafka` or `postgresql`.
    pub store: &'static str,
    /// Partitions.
    pub partitions: u32,
    /// Records that were judged; rows, where the journal is the log.
    pub records: u64,
    /// Records after a place where nobody can read on.
    pub records_not_judged: u64,
    /// Accepted commits; 0 where the journal is the log, which does not keep their bounds.
    pub commits: u64,
    /// Commands in them.
    pub commands: u64,
    /// Events in them.
    pub events: u64,
    /// Streams.
    pub streams: u64,
    /// Accepted fences.
    pub fences: u64,
    /// Pins.
    pub pins: u64,
    /// Records without effect.
    pub voids: Voids,
}

/// Records without effect, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Voids {
    /// Another commit or a fence came between.
    pub superseded: u64,
    /// Farther behind than the window.
    pub too_old: u64,
    /// By the word of an operator.
    pub ruled: u64,
    /// Not records of ours.
    pub foreign: u64,
}

/// What was compared of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalReport {
    /// Rows that were compared with accepted events.
    pub rows: u64,
    /// Fences that were compared.
    pub fences: u64,
    /// Recorded negative answers that were compared.
    pub rejections: u64,
    /// Accepted events that the journal had not taken yet.
    pub events_to_come: u64,
    /// Rows that could not be compared, because the log stops before them.
    pub rows_not_compared: u64,
}

/// What was compared of the read models.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadModelsReport {
    /// The schema that serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Why they were not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Streams that stand still before an event that cannot be projected, and were compared as far as they go.
    pub parked: u64,
    /// Events that an administrator gave up, and without which the rows were compared.
    pub discarded: u64,
}

impl VerifyReport {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _written = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        for finding in &self.findings {
            writeln!(
                text,
                "{} {}: {}",
                finding.code.as_str(),
                place(&finding.place),
                finding.sentence
            )?;
        }
        self.write_history(text)?;
        if let Some(journal) = &self.journal {
            write!(
                text,
                "journal: {} rows, {} fences and {} recorded refusals compared",
                journal.rows, journal.fences, journal.rejections
            )?;
            if journal.events_to_come > 0 {
                write!(text, ", {} events not taken yet", journal.events_to_come)?;
            }
            if journal.rows_not_compared > 0 {
                write!(text, ", {} rows not compared", journal.rows_not_compared)?;
            }
            writeln!(text)?;
        }
        match (&self.read_models.skipped, &self.read_models.schema) {
            (Some(reason), _) => writeln!(text, "read models: not compared, {reason}")?,
            (None, schema) => {
                let rows: u64 = self.read_models.rows.values().sum();
                let (tables, schema) = (self.read_models.rows.len(), schema.as_deref().unwrap_or_default());
                writeln!(
                    text,
                    "read models: {rows} rows in {tables} tables of {schema} compared with a second fold"
                )?;
                let (parked, discarded) = (self.read_models.parked, self.read_models.discarded);
                if parked + discarded > 0 {
                    writeln!(
                        text,
                        "             {parked} streams are parked and {discarded} events were given up, which both folds lack"
                    )?;
                }
            }
        }
        if let Some(clients) = &self.clients {
            write_clients(clients, text)?;
        }
        let found: u64 = self.counts.values().sum();
        if self.ok {
            writeln!(text, "nothing is wrong ({:.1} s)", self.seconds)
        } else {
            writeln!(text, "{found} findings ({:.1} s)", self.seconds)?;
            for (code, count) in &self.counts {
                writeln!(text, "  {count} {}", code.as_str())?;
            }
            Ok(())
        }
    }

    fn write_history(&self, text: &mut String) -> std::fmt::Result {
        let history = &self.history;
        write!(
            text,
            "log ({}): {} records in {} partitions, {} events of {} commands on {} streams",
            history.store, history.records, history.partitions, history.events, history.commands, history.streams
        )?;
        if history.store == super::KAFKA {
            let voids = &history.voids;
            write!(
                text,
                "; {} commits, {} fences, {} pins; void: {} superseded, {} too old, {} ruled, {} foreign",
                history.commits,
                history.fences,
                history.pins,
                voids.superseded,
                voids.too_old,
                voids.ruled,
                voids.foreign
            )?;
        }
        if history.records_not_judged > 0 {
            write!(text, "; {} records not judged", history.records_not_judged)?;
        }
        writeln!(text)
    }
}

fn write_clients(clients: &ClientsReport, text: &mut String) -> std::fmt::Result {
    writeln!(
        text,
        "clients: {} attempts of {} commands on {} streams: {} done ({} by an earlier attempt), {} nothing to do, {} refused, \
         {} conflicts, {} not applied, {} unknown",
        clients.attempts,
        clients.commands,
        clients.streams,
        clients.done,
        clients.replayed,
        clients.nothing,
        clients.refused,
        clients.conflict,
        clients.not_applied,
        clients.unknown
    )?;
    writeln!(
        text,
        "clients: of the commands without an answer {} happened and {} did not",
        clients.uncertain_that_happened, clients.uncertain_that_did_not
    )
}

fn place(place: &Place) -> String {
    let mut parts = Vec::new();
    let mut add = |name: &str, value: Option<String>| parts.extend(value.map(|value| format!("{name} {value}")));
    add("partition", place.partition.map(|number| number.to_string()));
    add("offset", place.offset.map(|number| number.to_string()));
    add("stream", place.stream.clone());
    add("revision", place.revision.map(|number| number.to_string()));
    add("table", place.table.clone());
    add("key", place.key.clone());
    add("client", place.client.clone());
    add("line", place.line.map(|number| number.to_string()));
    add("command", place.command_id.clone());
    if parts.is_empty() {
        "log".to_owned()
    } else {
        parts.join(" ")
    }
}

impl VerifyReport {
    /// Puts the parts together.
    pub(super) fn new(findings: &Findings, history: HistoryReport) -> Self {
        Self {
            ok: findings.is_empty(),
            findings: findings.kept().to_vec(),
            counts: findings.counts().clone(),
            history,
            journal: None,
            read_models: ReadModelsReport::default(),
            clients: None,
            seconds: 0.0,
        }
    }
}
