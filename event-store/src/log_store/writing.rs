//! Appending a commit or a fence: sent, read back, judged, and durable.

use std::sync::Arc;

use domain::StreamId;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::Instant;
use uuid::Uuid;

use super::node::OwnVerdict;
use super::{LogStore, log_error};
use crate::codec::{FenceTarget, encode_commit, encode_fence, encode_rejections};
use crate::commit::{Basis, Commit, CommitOutcome, CommitReceipt};
use crate::error::StoreError;
use crate::event::LogPosition;
use crate::log::{LogError, LogRecord, Record};
use crate::metrics;
use crate::rejection::RecordedRejection;

impl LogStore {
    pub(super) async fn append_commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        crate::event::check_storable(&commit)?;
        let partition = commit.stream.partition(self.log.partitions());
        let record = encode_commit(&commit, &self.options.author)?;
        let verdict = self
            .append_and_judge(partition, commit.id, commit.basis.seen, record)
            .await?;
        if !verdict.accepted {
            return Ok(CommitOutcome::Void);
        }
        let count = commit.event_count() as u64;
        let revision = commit.basis.next_revision() + count - 1;
        Ok(CommitOutcome::Accepted(CommitReceipt {
            revision,
            at: LogPosition {
                partition,
                offset: verdict.offset,
                index: u32::try_from(count - 1).unwrap_or(u32::MAX),
            },
            position: None,
            basis: Basis {
                revision: Some(revision),
                seen: i64::try_from(verdict.offset).unwrap_or(i64::MAX),
                digest: verdict.digest.0,
            },
        }))
    }

    /// A fence on the stream that was decided on exactly `basis` and carries the answers.
    pub(super) async fn append_rejections(
        &self,
        stream: &StreamId,
        basis: &Basis,
        rejections: &[RecordedRejection],
    ) -> Result<Option<Basis>, StoreError> {
        let id = self.randomness.id();
        let record = encode_rejections(id, stream, basis, rejections, &self.options.author)?;
        let partition = stream.partition(self.log.partitions());
        let verdict = self.append_and_judge(partition, id, basis.seen, record).await?;
        Ok(verdict.accepted.then(|| Basis {
            revision: basis.revision,
            seen: i64::try_from(verdict.offset).unwrap_or(i64::MAX),
            digest: verdict.digest.0,
        }))
    }

    /// Places a fence on one stream: everything that was decided on it before is void from here on. Returns its offset,
    /// or nothing when another commit came between; then decide again whether it is still wanted.
    pub async fn fence_stream(&self, stream: &StreamId) -> Result<Option<u64>, StoreError> {
        let partition = stream.partition(self.log.partitions());
        self.place_fence(self.randomness.id(), partition, &FenceTarget::Stream(stream.clone()))
            .await
    }

    /// Places a fence on all streams of a category in one partition; the answer is that of [`Self::fence_stream`], where
    /// only another fence of the category can come between.
    pub async fn fence_category(&self, category: &str, partition: u32) -> Result<Option<u64>, StoreError> {
        self.place_fence(
            self.randomness.id(),
            partition,
            &FenceTarget::Category(category.to_owned()),
        )
        .await
    }

    /// A fence under an id of the caller's, unique for each attempt; the answer is that of [`Self::fence_stream`].
    pub async fn place_fence(&self, id: Uuid, partition: u32, target: &FenceTarget) -> Result<Option<u64>, StoreError> {
        // Readers take the name from the record, and the category of a stream from its name: both must come to the same.
        if let FenceTarget::Category(category) = target
            && !StreamId::parse(category).is_ok_and(|name| name.category() == category)
        {
            return Err(StoreError::Invalid(
                "the name of a category has no dash and is not empty",
            ));
        }
        let (seen, digest) = {
            let window = self
                .node
                .window(partition)
                .ok_or(StoreError::Invalid("no such partition"))?;
            (window.seen(), window.digest().unwrap_or_default())
        };
        let record = encode_fence(id, target, seen, digest, &self.options.author);
        let verdict = self.append_and_judge(partition, id, seen, record).await?;
        Ok(verdict.accepted.then_some(verdict.offset))
    }

    async fn append_and_judge(
        &self,
        partition: u32,
        id: Uuid,
        seen: i64,
        record: Record,
    ) -> Result<OwnVerdict, StoreError> {
        let judged = self.append_if_allowed(partition, id, record).await;
        match &judged {
            Ok(verdict) => {
                metrics::commit_judged(if verdict.accepted { "accepted" } else { "void" });
                let seen = u64::try_from(seen + 1).unwrap_or(0);
                metrics::commit_age((verdict.offset + 1).saturating_sub(seen));
            }
            Err(StoreError::OutcomeUnknown { .. }) => metrics::commit_judged("unknown"),
            Err(_) => {}
        }
        judged
    }

    async fn append_if_allowed(&self, partition: u32, id: Uuid, record: Record) -> Result<OwnVerdict, StoreError> {
        self.node
            .check(partition)
            .inspect_err(|_| metrics::append_refused("stopped"))?;
        let (bytes, limit) = (record.size(), self.log.max_record_bytes());
        if bytes > limit {
            return Err(StoreError::TooLarge { bytes, limit });
        }
        let lag = self.node.journal_lag(partition);
        if lag > self.rules.width() / 2 {
            metrics::append_refused("journal-lag");
            return Err(StoreError::Backpressure {
                reason: format!("the journal is {lag} records behind"),
            });
        }
        let _in_flight = self.take_off(bytes)?;
        let unknown = || StoreError::OutcomeUnknown {
            reason: "the commit was not read back in time".to_owned(),
        };
        let proven = self.prove(partition, id, record);
        let verdict = tokio::time::timeout(self.options.commit_timeout, proven)
            .await
            .map_err(|_| unknown())?;
        let verdict = verdict.map_err(log_error)?;
        // A partition that was stopped meanwhile acknowledges nothing.
        self.node.check(partition).map_err(|_| unknown())?;
        Ok(verdict)
    }

    /// Room for a record in flight, for as long as what is returned lives.
    fn take_off(&self, bytes: usize) -> Result<OwnedSemaphorePermit, StoreError> {
        let permit = Arc::clone(&self.in_flight).try_acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX));
        metrics::in_flight(
            self.options
                .max_in_flight_bytes
                .saturating_sub(self.in_flight.available_permits()),
        );
        permit.map_err(|_| {
            metrics::append_refused("in-flight-bytes");
            StoreError::Backpressure {
                reason: "too many bytes are in flight".to_owned(),
            }
        })
    }

    /// Accepted needs both: judged so, after everything below it was, and the log's word that it is durable. Void needs no such word, since a
    /// record that was read back and judged void is void for ever.
    async fn prove(&self, partition: u32, id: Uuid, record: Record) -> Result<OwnVerdict, LogError> {
        let stopped = || LogError::Unknown("the node stopped reading the partition".to_owned());
        let sent = Instant::now();
        let (_registered, mut told) = self.node.expect(partition, id);
        let mut durable = std::pin::pin!(self.log.append(partition, record.clone()));
        tokio::select! {
            // In a fixed order, so that the simulator can repeat a run.
            biased;
            delivered = &mut durable => {
                let offset = delivered?;
                metrics::appended(sent.elapsed());
                self.node.delivered(LogRecord::delivered(&record, partition, offset));
                let verdict = match told.try_recv() {
                    Ok(verdict) => verdict,
                    Err(TryRecvError::Closed) => return Err(stopped()),
                    Err(TryRecvError::Empty) => {
                        // Somebody else's record lies before it: it is judged when that has been read.
                        let _urgent = self.node.hurry();
                        told.await.map_err(|_| stopped())?
                    }
                };
                metrics::read_back(sent.elapsed());
                Ok(verdict)
            }
            verdict = &mut told => {
                let verdict = verdict.map_err(|_| stopped())?;
                metrics::read_back(sent.elapsed());
                if verdict.accepted {
                    durable.await?;
                    metrics::appended(sent.elapsed());
                }
                Ok(verdict)
            }
        }
    }
}
