//! Reads and decodes ahead of the writer.

use std::sync::Arc;

use event_store::{Cut, EventStore};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::ProjectorOptions;
use crate::batch::{self, Piece};
use crate::error::ProjectionError;

/// Pieces that wait for the writer: each is bounded, so this bounds the memory of reading ahead.
const PIECES_AHEAD: usize = 2;

/// A task that follows the log; it ends when this is dropped.
pub(super) struct Reader {
    pieces: mpsc::Receiver<Result<Piece, ProjectionError>>,
    /// Something that was taken to be merged and could not be.
    pushed_back: Option<ProjectionError>,
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
        Self {
            pieces,
            pushed_back: None,
            _task: task,
        }
    }

    /// The next pieces as one, waiting for the first. Cancel safe. `None` only when the task was killed.
    pub(super) async fn next(&mut self, options: &ProjectorOptions) -> Option<Result<Piece, ProjectionError>> {
        if let Some(error) = self.pushed_back.take() {
            return Some(Err(error));
        }
        let mut piece = match self.pieces.recv().await? {
            Ok(piece) => piece,
            Err(error) => return Some(Err(error)),
        };
        while piece.events.len() < options.batch_events && piece.bytes < options.batch_bytes {
            match self.pieces.try_recv() {
                Ok(Ok(later)) => piece.extend(later),
                Ok(Err(error)) => {
                    self.pushed_back = Some(error);
                    break;
                }
                Err(_) => break,
            }
        }
        Some(Ok(piece))
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
