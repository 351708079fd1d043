//! Planted mistakes: stores that do one thing wrong. The simulation must catch each of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{CommandId, StreamId};
use event_store::codec::encode_commit;
use event_store::log::Log;
use event_store::log_store::LogStore;
use event_store::{
    AppendToStreamOptions, Basis, Commit, CommitOutcome, CommitReceipt, Cut, EventStore, Follow, LoadedStream,
    LogEpoch, LogPosition, NewEvent, Position, ReadAllOptions, ReadStreamOptions, RecordedEvent, RecordedRejection,
    StoreError, WriteResult,
};

/// What the nodes of a world run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// The store as it is.
    AsItIs,
    /// One with a mistake.
    With(Mutant),
}

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// It says "done" when the log has taken the record, without reading back how it was judged.
    AcknowledgesOnDelivery,
    /// It vouches for a state without reading to the end of the partition first.
    ConfirmsWithoutReading,
    /// It forgets what the decision was made on, and claims to have seen everything up to now.
    ForgetsSeen,
    /// It does not tell which command an event came from, so that a retry is not known again.
    ForgetsCommands,
    /// It calls an outcome that nobody knows a failure.
    CallsUnknownFailed,
    /// It calls a void commit accepted.
    CallsVoidAccepted,
    /// It tells the revision before the last event.
    CountsOneTooFew,
    /// It says that negative answers are recorded, and records none.
    RecordsNothing,
}

impl Product {
    /// The store that command handling gets.
    pub(crate) fn store(self, store: Arc<LogStore>, log: Arc<dyn Log>) -> Arc<dyn EventStore> {
        match self {
            Self::AsItIs => store,
            Self::With(mutant) => Arc::new(MutantStore { mutant, store, log }),
        }
    }
}

struct MutantStore {
    mutant: Mutant,
    store: Arc<LogStore>,
    log: Arc<dyn Log>,
}

impl MutantStore {
    /// As if it had been read back and judged accepted. The basis stays the old one, so that the next decision looks again.
    fn receipt(&self, commit: &Commit, offset: u64) -> CommitOutcome {
        let count = commit.event_count() as u64;
        CommitOutcome::Accepted(CommitReceipt {
            revision: commit.basis.next_revision() + count - 1,
            at: LogPosition {
                partition: commit.stream.partition(self.log.partitions()),
                offset,
                index: u32::try_from(count - 1).unwrap_or(u32::MAX),
            },
            position: None,
            basis: Basis {
                revision: Some(commit.basis.next_revision() + count - 1),
                ..commit.basis
            },
        })
    }
}

impl MutantStore {
    fn loaded(&self, mut loaded: LoadedStream) -> LoadedStream {
        if self.mutant == Mutant::ForgetsCommands {
            for event in &mut loaded.events {
                event.metadata.command_id = CommandId::from_uuid(event.id.as_uuid());
            }
        }
        loaded
    }
}

#[async_trait]
impl EventStore for MutantStore {
    fn partitions(&self) -> u32 {
        self.store.partitions()
    }

    fn epoch(&self) -> LogEpoch {
        self.store.epoch()
    }

    async fn load(&self, stream: &StreamId, known: Option<&Basis>) -> Result<LoadedStream, StoreError> {
        Ok(self.loaded(self.store.load(stream, known).await?))
    }

    async fn load_after(&self, stream: &StreamId, revision: Option<u64>) -> Result<LoadedStream, StoreError> {
        Ok(self.loaded(self.store.load_after(stream, revision).await?))
    }

    async fn commit(&self, mut commit: Commit) -> Result<CommitOutcome, StoreError> {
        match self.mutant {
            Mutant::AcknowledgesOnDelivery => {
                let partition = commit.stream.partition(self.log.partitions());
                let record = encode_commit(&commit, "a mutant")?;
                let unavailable = |error: event_store::log::LogError| StoreError::OutcomeUnknown {
                    reason: error.to_string(),
                };
                let offset = self.log.append(partition, record).await.map_err(unavailable)?;
                Ok(self.receipt(&commit, offset))
            }
            Mutant::ForgetsSeen => {
                let now = self.store.load(&commit.stream, None).await?.basis;
                commit.basis = Basis {
                    revision: commit.basis.revision,
                    ..now
                };
                self.store.commit(commit).await
            }
            Mutant::CallsUnknownFailed => match self.store.commit(commit).await {
                Err(StoreError::OutcomeUnknown { reason }) => Err(StoreError::Unavailable { reason }),
                outcome => outcome,
            },
            Mutant::CallsVoidAccepted => match self.store.commit(commit.clone()).await? {
                CommitOutcome::Void => Ok(self.receipt(&commit, 0)),
                accepted @ CommitOutcome::Accepted(_) => Ok(accepted),
            },
            Mutant::CountsOneTooFew => match self.store.commit(commit).await? {
                CommitOutcome::Accepted(receipt) => Ok(CommitOutcome::Accepted(CommitReceipt {
                    basis: Basis {
                        revision: receipt.revision.checked_sub(1),
                        ..receipt.basis
                    },
                    ..receipt
                })),
                CommitOutcome::Void => Ok(CommitOutcome::Void),
            },
            Mutant::ConfirmsWithoutReading | Mutant::ForgetsCommands | Mutant::RecordsNothing => {
                self.store.commit(commit).await
            }
        }
    }

    async fn confirm(&self, stream: &StreamId, basis: &Basis) -> Result<bool, StoreError> {
        if self.mutant == Mutant::ConfirmsWithoutReading {
            return Ok(self.store.load(stream, Some(basis)).await?.events.is_empty());
        }
        self.store.confirm(stream, basis).await
    }

    async fn record_rejections(
        &self,
        stream: &StreamId,
        basis: &Basis,
        rejections: &[RecordedRejection],
    ) -> Result<Option<Basis>, StoreError> {
        if self.mutant == Mutant::RecordsNothing {
            return Ok(Some(*basis));
        }
        self.store.record_rejections(stream, basis, rejections).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.store.read_stream(stream, options).await
    }

    async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, StoreError> {
        self.store.read_all(options).await
    }

    async fn wait_for_events_after(&self, position: Position) -> Result<(), StoreError> {
        self.store.wait_for_events_after(position).await
    }

    async fn end(&self) -> Result<Cut, StoreError> {
        self.store.end().await
    }

    fn behind(&self, end: &Cut, cut: &Cut) -> u64 {
        self.store.behind(end, cut)
    }

    async fn first_recorded_after(&self, cut: &Cut) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.store.first_recorded_after(cut).await
    }

    async fn follow_partitions(&self, from: Cut, partitions: BTreeSet<u32>) -> Result<Box<dyn Follow>, StoreError> {
        self.store.follow_partitions(from, partitions).await
    }

    async fn append_to_stream(
        &self,
        stream: &StreamId,
        options: &AppendToStreamOptions,
        events: Vec<NewEvent>,
    ) -> Result<WriteResult, StoreError> {
        self.store.append_to_stream(stream, options, events).await
    }
}
