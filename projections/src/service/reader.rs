//! Reads and decodes ahead of the writer.

use std::sync::Arc;

use event_store::{Cut, EventStore, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::ProjectorOptions;
use crate::batch::{self, Piece};
use crate::error::ProjectionError;

/// Pieces that wait to be folded: each is bounded, so this bounds the memory of reading ahead.
const PIECES_AHEAD: usize = 2;

/// A task that follows the log; it ends when this is dropped.
pub(super) struct Reader {
    pieces: mpsc::Receiver<Result<Piece, ProjectionError>>,
    _task: JoinSet<()>,
}

impl Reader {
    pub(super) fn start(store: Arc<dyn EventStore>, from: Cut, options: &ProjectorOptions) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        let (max_events, max_bytes) = (options.batch_events, options.batch_bytes);
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = read(&*store, from, max_events, max_bytes, &sender).await {
                // The writer is gone when this fails, and with it whoever could care.
                let _gone = sender.send(Err(error)).await;
            }
        });
        Self { pieces, _task: task }
    }

    /// The next piece, waiting for it. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Piece, ProjectionError> {
        let ended = || StoreError::Unavailable {
            reason: "the reader of the log ended".to_owned(),
        };
        self.pieces.recv().await.ok_or_else(ended)?
    }
}

async fn read(
    store: &dyn EventStore,
    from: Cut,
    max_events: usize,
    max_bytes: usize,
    sender: &mpsc::Sender<Result<Piece, ProjectionError>>,
) -> Result<(), ProjectionError> {
    let mut follow = store.follow(from).await?;
    loop {
        let (pieces, error) = batch::pieces(follow.next().await?, max_events, max_bytes);
        for piece in pieces {
            if sender.send(Ok(piece)).await.is_err() {
                return Ok(());
            }
        }
        if let Some(error) = error {
            return Err(error);
        }
    }
}
