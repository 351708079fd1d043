//! What must hold within each stream of accepted history, whatever kept it.
//!
//! Checked one partition at a time, so what is in memory is about 60 bytes for each event of the largest partition.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::stored::{self, DecodeError};
use event_store::RecordedEvent;

use super::clients::{AcceptedCommand, ClientsCheck};
use super::finding::{Code, Finding, Findings};
use super::report::HistoryReport;

/// The streams of one partition, as far as it was read.
pub(super) struct StreamCheck {
    partition: u32,
    partitions: u32,
    next_revision: HashMap<u128, u64>,
    commands: HashSet<u128>,
    event_ids: HashSet<u128>,
    open: Option<OpenCommand>,
}

/// The command whose events are being read.
struct OpenCommand {
    command: AcceptedCommand,
    offset: u64,
    recorded_at: DateTime<Utc>,
    one_record: bool,
}

impl OpenCommand {
    /// Is this its next event? Where a commit is one record it is in the same; where each event is a row of its own, in the same
    /// transaction, which has one time.
    fn goes_on_with(&self, event: &RecordedEvent) -> bool {
        let same_commit = if self.one_record {
            self.offset == event.at.offset
        } else {
            self.recorded_at == event.recorded_at
        };
        same_commit
            && self.command.stream == event.stream
            && self.command.last + 1 == event.revision
            && self.command.scoped == event.metadata.scoped_command()
    }
}

impl StreamCheck {
    pub(super) fn new(partition: u32, partitions: u32) -> Self {
        Self {
            partition,
            partitions,
            next_revision: HashMap::new(),
            commands: HashSet::new(),
            event_ids: HashSet::new(),
            open: None,
        }
    }

    /// The next event of the partition. `one_record`: are the events of a commit one record of the log?
    pub(super) fn take(
        &mut self,
        event: &RecordedEvent,
        one_record: bool,
        seen: &mut HistoryReport,
        findings: &mut Findings,
        clients: Option<&mut ClientsCheck>,
    ) {
        seen.events += 1;
        let stream = event.stream.hash128();
        let found = |code, sentence| {
            Finding::new(code, sentence)
                .at(event.at.partition, event.at.offset)
                .on(event.stream.as_str())
                .revision(event.revision)
        };
        self.place(event, stream, &found, seen, findings);
        if !self.event_ids.insert(mixed(stream, event.id.as_uuid().as_u128())) {
            let sentence = format!("event id {} is in the stream twice", event.id);
            findings.add(found(Code::EventIdTwice, sentence));
        }
        if let Err(error) = stored::decode(&event.event_type, &event.data) {
            findings.add(match &error {
                DecodeError::UnknownType { event_type } => {
                    let sentence =
                        format!("{event_type} is not known to this version; check with the version that wrote it");
                    found(Code::UnknownType, sentence)
                }
                DecodeError::Malformed { event_type, source } => {
                    found(Code::MalformedEvent, format!("{event_type} cannot be read: {source}"))
                }
            });
        }
        if let Some(open) = &mut self.open
            && open.goes_on_with(event)
        {
            open.command.last = event.revision;
            return;
        }
        self.finish(seen, clients);
        let scoped = event.metadata.scoped_command();
        if !self.commands.insert(mixed(stream, scoped.as_u128())) {
            let id = event.metadata.command_id.as_str();
            let sentence = format!("command {id} has happened on the stream before");
            let mut finding = found(Code::CommandTwice, sentence);
            finding.place.command_id = Some(id.to_owned());
            findings.add(finding);
        }
        self.open = Some(OpenCommand {
            command: AcceptedCommand {
                stream: event.stream.clone(),
                scoped,
                first: event.revision,
                last: event.revision,
            },
            offset: event.at.offset,
            recorded_at: event.recorded_at,
            one_record,
        });
    }

    /// The right partition, and the next revision.
    fn place(
        &mut self,
        event: &RecordedEvent,
        stream: u128,
        found: &impl Fn(Code, String) -> Finding,
        seen: &mut HistoryReport,
        findings: &mut Findings,
    ) {
        let next = self.next_revision.entry(stream).or_insert_with(|| {
            seen.streams += 1;
            0
        });
        if event.revision != *next {
            let sentence = format!(
                "the next revision of the stream is {next}, and the event has {}",
                event.revision
            );
            findings.add(found(Code::RevisionNotNext, sentence));
        }
        *next = event.revision + 1;
        let home = event.stream.partition(self.partitions);
        if home != self.partition {
            let sentence = format!("the stream belongs into partition {home} of {}", self.partitions);
            findings.add(found(Code::WrongPartition, sentence));
        }
    }

    /// After the last event of the partition.
    pub(super) fn finish(&mut self, seen: &mut HistoryReport, clients: Option<&mut ClientsCheck>) {
        if let Some(open) = self.open.take() {
            seen.commands += 1;
            if let Some(clients) = clients {
                clients.saw(&open.command);
            }
        }
    }
}

/// One number for an id within a stream. Both are random in all their bits.
fn mixed(stream: u128, id: u128) -> u128 {
    stream.rotate_left(17) ^ id
}
