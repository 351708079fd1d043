//! Loading a stream that is not in the cache: from its snapshot, when it has one that fits, and the events after it.

use std::sync::Arc;

use domain::{Aggregate, StreamId};
use event_store::StoreError;

use super::Shared;
use super::cache::Entry;
use super::outcome::{Certainty, Rejection};
use crate::metrics;

impl<A: Aggregate> Shared<A> {
    /// All that the log has of the stream.
    pub(super) async fn load_cold(&self, stream: &StreamId) -> Result<Entry<A>, Rejection> {
        if let Some(entry) = self.load_on_snapshot(stream).await? {
            return Ok(entry);
        }
        let loaded = self
            .store
            .load_after(stream, None)
            .await
            .map_err(|error| not_loaded(&error))?;
        let mut entry = Entry::empty();
        entry.fold(&loaded)?;
        self.take_snapshot(stream, &entry, loaded.events.len());
        Ok(entry)
    }

    /// Nothing when there is no snapshot, or none that fits: it is a cache, so whatever is wrong with it is no error.
    async fn load_on_snapshot(&self, stream: &StreamId) -> Result<Option<Entry<A>>, Rejection> {
        let Some(snapshots) = &self.surroundings.snapshots else {
            return Ok(None);
        };
        let snapshot = match snapshots.load(stream, A::FOLD_VERSION).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                tracing::debug!(%stream, %error, "no snapshot can be read");
                None
            }
        };
        let Some(snapshot) = snapshot else { return Ok(None) };
        let Some(mut entry) = Entry::<A>::from_snapshot(&snapshot) else {
            metrics::snapshot_used(A::CATEGORY, "unreadable");
            return Ok(None);
        };
        // With the last event that it holds, to see that it is still there: a journal may have been put back and filled anew.
        let before = snapshot.revision.checked_sub(1);
        let mut loaded = self
            .store
            .load_after(stream, before)
            .await
            .map_err(|error| not_loaded(&error))?;
        let fits = loaded
            .events
            .first()
            .is_some_and(|first| (first.revision, first.id) == (snapshot.revision, snapshot.event));
        if !fits {
            metrics::snapshot_used(A::CATEGORY, "of-another-history");
            return Ok(None);
        }
        loaded.events.remove(0);
        entry.fold(&loaded)?;
        metrics::snapshot_used(A::CATEGORY, "used");
        self.take_snapshot(stream, &entry, loaded.events.len());
        Ok(Some(entry))
    }

    /// Keeps the state beside the log when it took many events to come to it. Nobody waits for that.
    fn take_snapshot(&self, stream: &StreamId, entry: &Entry<A>, folded: usize) {
        let Some(snapshots) = &self.surroundings.snapshots else {
            return;
        };
        if folded < self.options.snapshot_events {
            return;
        }
        let Some(snapshot) = entry.to_snapshot(stream) else {
            return;
        };
        let snapshots = Arc::clone(snapshots);
        tokio::spawn(async move {
            match snapshots.save(&snapshot).await {
                Ok(()) => metrics::snapshot_taken(A::CATEGORY),
                Err(error) => tracing::debug!(stream = %snapshot.stream, %error, "a snapshot was not kept"),
            }
        });
    }
}

/// A load writes nothing, whatever the store says.
pub(super) fn not_loaded(error: &StoreError) -> Rejection {
    match Rejection::from_store(error) {
        Rejection::Unavailable { code, reason, .. } => Rejection::Unavailable {
            certainty: Certainty::NotApplied,
            code,
            reason,
        },
        other => other,
    }
}
