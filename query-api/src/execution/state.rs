//! What the fields of one operation share.

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use event_store::PositionToken;
use tokio::time::Instant;

use crate::error::QueryError;
use crate::snapshot::{Freshness, Patience, SnapshotSlot, SnapshotSource};

/// One operation under way; lives in the request's data.
pub(crate) struct OperationState {
    pub(super) snapshot: Arc<SnapshotSlot>,
    pub(super) freshness: Option<Freshness>,
    pub(super) patience: Patience,
    pub(super) generation: Option<String>,
    pub(super) is_mutation: bool,
    pub(super) reads_rows: bool,
    pub(super) reads_journal: bool,
    pub(super) executed: AtomicBool,
    /// What validation found the operation to cost.
    pub(super) cost: AtomicUsize,
    /// No command is begun after it, and none is waited for beyond it.
    pub(super) commands_end_at: Instant,
    /// The whole operation is given up then.
    pub(super) ends_at: Instant,
    /// What a read must cover to show all commands that were taken so far.
    pub(super) covered: Mutex<Option<PositionToken>>,
}

impl OperationState {
    /// That of the operation of a field.
    pub(crate) fn of<'c>(context: &Context<'c>) -> &'c Self {
        context.data_unchecked::<Arc<Self>>()
    }

    /// Until when commands may take.
    pub(crate) fn commands_end_at(&self) -> Instant {
        self.commands_end_at
    }

    /// Adds the position of a command that was taken.
    pub(crate) fn cover(&self, position: PositionToken) {
        let mut covered = self.covered.lock().unwrap_or_else(PoisonError::into_inner);
        *covered = Some(match covered.take() {
            Some(earlier) => position.merged(&earlier),
            None => position,
        });
    }

    /// What a read must cover to show all commands of this operation; none when no command was taken.
    pub(crate) fn covered(&self) -> Option<PositionToken> {
        self.covered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins the snapshot of a query that needs one.
    pub(super) async fn begin(&self, source: &SnapshotSource) -> Result<(), QueryError> {
        if self.is_mutation {
            return Ok(());
        }
        let freshness = self.freshness.as_ref();
        match &self.generation {
            Some(name) => {
                self.snapshot
                    .begin_travel(source, name, freshness, self.reads_journal)
                    .await
            }
            None if self.reads_rows || freshness.is_some() => {
                self.snapshot.begin(source, freshness, self.reads_journal).await
            }
            None => Ok(()),
        }
    }

    /// Begins the snapshot of what is selected of a command that was taken: it covers that command, those before it, and what the client
    /// asked to be covered. Waits for them as long as the client wants and the operation has left.
    pub(crate) async fn begin_after_commands(&self, source: &SnapshotSource) -> Result<(), QueryError> {
        let asked = self.freshness.as_ref().map(|freshness| &freshness.after);
        let after = match (self.covered(), asked) {
            (Some(covered), Some(asked)) if covered.epoch != asked.epoch => return Err(QueryError::TokenOfAnotherLog),
            (Some(covered), Some(asked)) => Some(covered.merged(asked)),
            (covered, _) => covered,
        };
        let left = self.ends_at.saturating_duration_since(Instant::now());
        let patience = Patience {
            within: self.patience.within.min(left),
            ..self.patience
        };
        let freshness = after.map(|after| Freshness { after, patience });
        self.snapshot
            .begin(source, freshness.as_ref(), self.reads_journal)
            .await
    }
}
