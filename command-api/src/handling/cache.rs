//! States of streams, kept so that a decision seldom reads a whole stream. A miss only costs time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Aggregate, EventId, stored};
use event_store::{Basis, LoadedStream, LogPosition, RecordedEvent};
use moka::sync::Cache;
use uuid::Uuid;

use super::negative::KnownRejection;
use super::outcome::{Certainty, Rejection};

/// Everything that decisions on one stream need.
pub(super) struct Entry<A> {
    pub(super) state: A,
    pub(super) basis: Basis,
    /// Place of the last event.
    pub(super) last: Option<LogPosition>,
    /// Its id; none when it was appended here and not read.
    pub(super) last_event: Option<EventId>,
    /// Every command that ever caused events on this stream, by its scoped id: exactly and for ever.
    pub(super) commands: HashMap<Uuid, KnownCommand>,
    /// Every command that was answered "no" for good, by its scoped id.
    pub(super) rejections: HashMap<Uuid, KnownRejection>,
}

/// What is remembered of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownCommand {
    pub(super) hash: u128,
    /// Revision of its last event.
    pub(super) revision: u64,
    /// Place of that event; none while its commit is in flight.
    pub(super) at: Option<LogPosition>,
}

impl<A: Aggregate> Entry<A> {
    pub(super) fn empty() -> Self {
        Self {
            state: A::default(),
            basis: Basis::EMPTY,
            last: None,
            last_event: None,
            commands: HashMap::new(),
            rejections: HashMap::new(),
        }
    }

    /// Folds what the store returned.
    pub(super) fn fold(&mut self, loaded: &LoadedStream) -> Result<(), Rejection> {
        for recorded in &loaded.events {
            if recorded.revision != self.basis.next_revision() {
                return Err(Rejection::Failed {
                    code: "log.corrupt",
                    reason: format!(
                        "stream {} continues with revision {} where {} was expected",
                        recorded.stream,
                        recorded.revision,
                        self.basis.next_revision()
                    ),
                });
            }
            self.state.evolve(&decode::<A>(recorded)?);
            self.basis.revision = Some(recorded.revision);
            self.last = Some(recorded.at);
            self.last_event = Some(recorded.id);
            let known = KnownCommand {
                hash: recorded.metadata.command_hash,
                revision: recorded.revision,
                at: Some(recorded.at),
            };
            self.commands.insert(recorded.metadata.scoped_command(), known);
        }
        for recorded in &loaded.rejections {
            self.rejections
                .insert(recorded.command, KnownRejection::read(recorded)?);
        }
        self.basis = loaded.basis;
        Ok(())
    }

    fn weight(&self) -> u32 {
        // Key, value and the table's spare room.
        const BYTES_PER_COMMAND: usize = 112;
        // With the texts of a refusal.
        const BYTES_PER_REJECTION: usize = 400;
        let bytes = size_of::<Self>()
            + self.state.weight()
            + self.commands.capacity() * BYTES_PER_COMMAND
            + self.rejections.capacity() * BYTES_PER_REJECTION;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

fn decode<A: Aggregate>(recorded: &RecordedEvent) -> Result<A::Event, Rejection> {
    let event = match stored::decode(&recorded.event_type, &recorded.data) {
        Ok(event) => event,
        Err(error @ stored::DecodeError::UnknownType { .. }) => {
            return Err(Rejection::Unavailable {
                certainty: Certainty::NotApplied,
                code: "stream.written-by-newer-version",
                reason: format!("stream {}: {error}; it was written by a newer version", recorded.stream),
            });
        }
        Err(error @ stored::DecodeError::Malformed { .. }) => {
            let reason = format!("stream {} revision {}: {error}", recorded.stream, recorded.revision);
            return Err(Rejection::Failed {
                code: "log.corrupt",
                reason,
            });
        }
    };
    A::Event::try_from(event).map_err(|_foreign| Rejection::Failed {
        code: "log.corrupt",
        reason: format!(
            "stream {} holds an event of another aggregate: {}",
            recorded.stream, recorded.event_type
        ),
    })
}

/// Shared by the stream's worker, the only one that changes it, and by previews that read it.
pub(super) type SharedEntry<A> = Arc<Mutex<Entry<A>>>;

/// A poisoned entry is used on: the worker drops what it could not finish.
pub(super) fn lock<A>(entry: &Mutex<Entry<A>>) -> MutexGuard<'_, Entry<A>> {
    entry.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bounded by bytes.
pub(super) struct StateCache<A: Aggregate> {
    entries: Cache<Uuid, Weighed<A>>,
}

struct Weighed<A> {
    weight: u32,
    entry: SharedEntry<A>,
}

impl<A> Clone for Weighed<A> {
    fn clone(&self) -> Self {
        Self {
            weight: self.weight,
            entry: Arc::clone(&self.entry),
        }
    }
}

impl<A: Aggregate> StateCache<A> {
    pub(super) fn new(bytes: u64) -> Self {
        let entries = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, weighed: &Weighed<A>| weighed.weight)
            .build();
        Self { entries }
    }

    pub(super) fn get(&self, id: Uuid) -> Option<SharedEntry<A>> {
        self.entries.get(&id).map(|weighed| weighed.entry)
    }

    /// Keeps an entry, weighed as it is now.
    pub(super) fn keep(&self, id: Uuid, entry: &SharedEntry<A>) {
        let weight = lock(entry).weight();
        self.entries.insert(
            id,
            Weighed {
                weight,
                entry: Arc::clone(entry),
            },
        );
    }

    pub(super) fn forget(&self, id: Uuid) {
        self.entries.invalidate(&id);
    }
}
