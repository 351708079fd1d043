//! `append_to_stream`: the level for those who have events, not commands. Built on load, commit and confirm.

use domain::{CommandId, Role, StreamId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::EventStore;
use crate::commit::{Basis, CommandStamp, Commit, CommitOutcome, CommittedCommand};
use crate::error::StoreError;
use crate::event::{LogPosition, NewEvent};
use crate::position::Position;

/// The state that a stream must be in for an append to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum StreamState {
    /// Whatever it is.
    #[default]
    Any,
    /// It has no events.
    NoStream,
    /// It has at least one event.
    StreamExists,
    /// Its last event has this revision.
    StreamRevision(u64),
}

impl StreamState {
    /// Does a stream whose last event is `current` fit?
    pub fn allows(self, current: Option<u64>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => current.is_none(),
            Self::StreamExists => current.is_some(),
            Self::StreamRevision(revision) => current == Some(revision),
        }
    }
}

/// How to append.
#[derive(Debug, Clone)]
pub struct AppendToStreamOptions {
    /// The state the stream must be in.
    pub stream_state: StreamState,
    /// Who appends, under which command id; a repeated id with the same hash appends nothing.
    pub stamp: CommandStamp,
}

impl AppendToStreamOptions {
    /// Options for a writer without a command of its own: a fresh command id, the nil principal in role service.
    pub fn anonymous(stream_state: StreamState) -> Self {
        let id = Uuid::now_v7();
        Self {
            stream_state,
            stamp: CommandStamp {
                command_id: CommandId::from_uuid(id),
                command_hash: 0,
                actor: UserId::new(Uuid::nil()),
                role: Role::Service,
                correlation_id: id.to_string(),
                causation_id: None,
                traceparent: None,
                provenance: None,
            },
        }
    }
}

/// A successful append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteResult {
    /// The revision to expect for the next append.
    pub next_expected_version: u64,
    /// Place of the last event.
    pub at: LogPosition,
    /// Global position of the last event, when known at once.
    pub position: Option<Position>,
    /// Nothing was appended now: an earlier append with this command id had done it.
    pub already_done: bool,
}

/// How often a void append is decided again before the writer is told to come back.
const ATTEMPTS: usize = 64;

/// Loads the stream, checks command id and expected state, commits; again when another writer came between.
///
/// "Wrong expected revision" is answered only after [`EventStore::confirm`] proved it on the newest state.
pub async fn append_to_stream(
    store: &dyn EventStore,
    stream: &StreamId,
    options: &AppendToStreamOptions,
    events: Vec<NewEvent>,
) -> Result<WriteResult, StoreError> {
    if events.is_empty() {
        return Err(StoreError::Invalid("an append needs at least one event"));
    }
    let scoped = options.stamp.scoped_command();
    let mut known: Option<Basis> = None;
    for _ in 0..ATTEMPTS {
        let loaded = store.load(stream, known.as_ref()).await?;
        known = Some(loaded.basis);
        let earlier = loaded
            .events
            .iter()
            .rev()
            .find(|event| event.metadata.scoped_command() == scoped);
        if let Some(earlier) = earlier {
            if earlier.metadata.command_hash != options.stamp.command_hash {
                return Err(StoreError::CommandIdReused {
                    stream: stream.to_string(),
                });
            }
            return Ok(WriteResult {
                next_expected_version: earlier.revision,
                at: earlier.at,
                position: earlier.position,
                already_done: true,
            });
        }
        if !options.stream_state.allows(loaded.basis.revision) {
            if store.confirm(stream, &loaded.basis).await? {
                return Err(StoreError::WrongExpectedRevision {
                    stream: stream.to_string(),
                    current: loaded.basis.revision,
                });
            }
            continue;
        }
        let commit = Commit {
            id: Uuid::new_v4(),
            stream: stream.clone(),
            basis: loaded.basis,
            commands: vec![CommittedCommand {
                stamp: options.stamp.clone(),
                events: events.clone(),
            }],
        };
        if let CommitOutcome::Accepted(receipt) = store.commit(commit).await? {
            return Ok(WriteResult {
                next_expected_version: receipt.revision,
                at: receipt.at,
                position: receipt.position,
                already_done: false,
            });
        }
    }
    Err(StoreError::Backpressure {
        reason: format!("{ATTEMPTS} appends to stream {stream} in a row lost a race"),
    })
}
