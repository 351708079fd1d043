//! Many loads, one query: loads that arrive while a query is under way go together into the next one.

use std::sync::Arc;

use domain::StreamId;
use tokio::sync::{mpsc, oneshot};

use super::{Journal, LoadRequest, Loaded};
use crate::error::StoreError;

/// Most streams in one query.
const BATCH: usize = 256;
/// Loads that may wait; more are told to come back.
const QUEUE: usize = 8_192;
/// Queries under way at once.
const LANES: usize = 2;

type Waiting = (LoadRequest, oneshot::Sender<Result<Loaded, StoreError>>);

/// Loads streams through a journal in batches. Cheap to clone; its tasks end with the last clone.
#[derive(Clone)]
pub struct JournalLoader {
    queue: mpsc::Sender<Waiting>,
}

impl JournalLoader {
    /// Starts the tasks that query.
    pub fn start(journal: &Arc<dyn Journal>) -> Self {
        let (queue, waiting) = mpsc::channel::<Waiting>(QUEUE);
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        for _ in 0..LANES {
            tokio::spawn(serve(Arc::clone(journal), Arc::clone(&waiting)));
        }
        Self { queue }
    }

    /// Loads one stream.
    pub async fn load(&self, stream: &StreamId, partition: u32, after: Option<u64>) -> Result<Loaded, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .try_send((
                LoadRequest {
                    stream: stream.clone(),
                    partition,
                    after,
                },
                answer,
            ))
            .map_err(|_| StoreError::Backpressure {
                reason: "too many streams are waiting to be loaded".to_owned(),
            })?;
        answered.await.map_err(|_| StoreError::Unavailable {
            reason: "the loader was shut down".to_owned(),
        })?
    }
}

async fn serve(journal: Arc<dyn Journal>, waiting: Arc<tokio::sync::Mutex<mpsc::Receiver<Waiting>>>) {
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        if waiting.lock().await.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        let (requests, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        match journal.load(&requests).await {
            Ok(loaded) => {
                for (answer, loaded) in answers.into_iter().zip(loaded) {
                    // A caller that stopped waiting needs no answer.
                    let _ = answer.send(Ok(loaded));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }
}
