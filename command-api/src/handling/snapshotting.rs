//! An entry of the cache as a snapshot, and back.

use std::collections::HashMap;

use domain::{Aggregate, StreamId};
use event_store::LogPosition;
use event_store::event::hex128;
use event_store::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cache::{Entry, KnownCommand};

/// What is kept of an entry. Recorded rejections are not: every load brings all of them.
#[derive(Serialize, Deserialize)]
struct Content<A> {
    state: A,
    last: Option<LogPosition>,
    commands: Vec<Command>,
}

#[derive(Serialize, Deserialize)]
struct Command {
    id: Uuid,
    #[serde(with = "hex128")]
    hash: u128,
    revision: u64,
    at: Option<LogPosition>,
}

impl<A: Aggregate> Entry<A> {
    /// The state after its last event; nothing for a stream without events.
    pub(super) fn to_snapshot(&self, stream: &StreamId) -> Option<Snapshot> {
        let content = Content {
            state: self.state.clone(),
            last: self.last,
            commands: self
                .commands
                .iter()
                .map(|(id, known)| Command::of(*id, known))
                .collect(),
        };
        Some(Snapshot {
            stream: stream.clone(),
            fold_version: A::FOLD_VERSION,
            revision: self.basis.revision?,
            event: self.last_event?,
            content: serde_json::to_vec(&content).ok()?,
        })
    }

    /// The entry that a snapshot was made of; nothing when it cannot be read. What it may be decided on is not known yet.
    pub(super) fn from_snapshot(snapshot: &Snapshot) -> Option<Self> {
        let content: Content<A> = serde_json::from_slice(&snapshot.content).ok()?;
        let mut entry = Self::empty();
        entry.state = content.state;
        entry.last = content.last;
        entry.last_event = Some(snapshot.event);
        entry.basis.revision = Some(snapshot.revision);
        entry.commands = content
            .commands
            .into_iter()
            .map(Command::into_known)
            .collect::<HashMap<_, _>>();
        Some(entry)
    }
}

impl Command {
    fn of(id: Uuid, known: &KnownCommand) -> Self {
        Self {
            id,
            hash: known.hash,
            revision: known.revision,
            at: known.at,
        }
    }

    fn into_known(self) -> (Uuid, KnownCommand) {
        let known = KnownCommand {
            hash: self.hash,
            revision: self.revision,
            at: self.at,
        };
        (self.id, known)
    }
}
