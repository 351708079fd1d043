//! Appending a commit: sent, read back, judged, and durable.

use std::sync::Arc;

use super::{LogStore, log_error};
use crate::codec::encode_commit;
use crate::commit::{Basis, Commit, CommitOutcome, CommitReceipt};
use crate::error::StoreError;
use crate::event::LogPosition;
use crate::log::LogError;

impl LogStore {
    pub(super) async fn append_commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        self.node.check()?;
        crate::event::check_storable(&commit)?;
        let partition = commit.stream.partition(self.log.partitions());
        let record = encode_commit(&commit, &self.options.author)?;
        let (bytes, limit) = (record.size(), self.log.max_record_bytes());
        if bytes > limit {
            return Err(StoreError::TooLarge { bytes, limit });
        }
        let lag = self.node.journal_lag(partition);
        if lag > self.width / 2 {
            return Err(StoreError::Backpressure {
                reason: format!("the journal is {lag} records behind"),
            });
        }
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let _in_flight =
            self.in_flight
                .clone()
                .try_acquire_many_owned(permits)
                .map_err(|_| StoreError::Backpressure {
                    reason: "too many bytes are in flight".to_owned(),
                })?;
        let (_registered, told) = self.node.expect(commit.id);
        let log = Arc::clone(&self.log);
        let both = async {
            let mut told = told;
            let mut durable = std::pin::pin!(log.append(partition, record));
            // Void needs no delivery report: a record that was read back and judged void is void for ever.
            let early = tokio::select! {
                delivered = &mut durable => { delivered?; None }
                verdict = &mut told => Some(verdict),
            };
            let verdict = match early {
                Some(Ok(verdict)) if verdict.accepted => {
                    durable.await?;
                    verdict
                }
                Some(Ok(verdict)) => verdict,
                Some(Err(_)) => return Err(LogError::Unknown("the node stopped".to_owned())),
                None => told
                    .await
                    .map_err(|_| LogError::Unknown("the node stopped".to_owned()))?,
            };
            Ok(verdict)
        };
        let unknown = || StoreError::OutcomeUnknown {
            reason: "the commit was not read back in time".to_owned(),
        };
        let verdict = tokio::time::timeout(self.options.commit_timeout, both)
            .await
            .map_err(|_| unknown())?;
        let verdict = verdict.map_err(log_error)?;
        self.node.check().map_err(|_| unknown())?;
        if !verdict.accepted {
            metrics::counter!("log_commits_total", "verdict" => "void").increment(1);
            return Ok(CommitOutcome::Void);
        }
        metrics::counter!("log_commits_total", "verdict" => "accepted").increment(1);
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
}
