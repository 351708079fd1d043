//! Reads and decodes ahead of the writers: one reader of the log for all lanes of a process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use event_store::{Cut, EventStore, FollowBatch};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::timings::Timings;
use crate::batch::{self, Piece};
use crate::error::ProjectionError;
use crate::gaps::Gaps;

/// Pieces that wait to be folded: each is bounded, so this bounds the memory of reading ahead.
const PIECES_AHEAD: usize = 2;

/// Where a lane's pieces go.
type PieceSender = mpsc::Sender<Result<Piece, ProjectionError>>;

/// What a lane gets from the reader.
pub(super) struct Pieces(mpsc::Receiver<Result<Piece, ProjectionError>>);

impl Pieces {
    /// The next piece, waiting for it; for ever when the reader has ended, since it told another lane why. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Piece, ProjectionError> {
        match self.0.recv().await {
            Some(piece) => piece,
            None => std::future::pending().await,
        }
    }
}

/// What is read, and how it is cut.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) from: Cut,
    /// Events that wait behind others are not even decoded.
    pub(super) gaps: Arc<Gaps>,
    pub(super) max_events: usize,
    pub(super) max_bytes: usize,
    pub(super) timings: Arc<Timings>,
}

impl Reading {
    /// Starts to read for these lanes, each with its partitions. Reading ends when the tasks are dropped.
    pub(super) fn start(self, lanes: &[BTreeSet<u32>]) -> (Vec<Pieces>, JoinSet<()>) {
        let mut tasks = JoinSet::new();
        let (mut feeds, mut pieces) = (Vec::new(), Vec::new());
        for partitions in lanes {
            let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
            feeds.push((partitions.clone(), sender));
            pieces.push(Pieces(receiver));
        }
        match <[_; 1]>::try_from(feeds) {
            Ok([(partitions, sender)]) => {
                tasks.spawn(async move { self.read_for_one(partitions, sender).await });
            }
            Err(feeds) => self.read_for_many(feeds, &mut tasks),
        }
        (pieces, tasks)
    }

    /// One task reads and decodes: each hand-over from task to task costs what an event costs.
    async fn read_for_one(self, partitions: BTreeSet<u32>, sender: PieceSender) {
        let read = async {
            let mut follow = self.store.follow_partitions(self.from.clone(), partitions).await?;
            loop {
                let started = Instant::now();
                let batch = follow.next().await?;
                self.timings.waited_for_the_log(started);
                if !self.hand_over(batch, &sender).await? {
                    return Ok::<_, ProjectionError>(());
                }
            }
        };
        if let Err(error) = read.await {
            // The lane is gone when this fails, and with it whoever could care.
            let _gone = sender.send(Err(error)).await;
        }
    }

    /// One task reads, and for each lane one decodes.
    fn read_for_many(self, feeds: Vec<(BTreeSet<u32>, PieceSender)>, tasks: &mut JoinSet<()>) {
        let all: BTreeSet<u32> = feeds.iter().flat_map(|(partitions, _)| partitions).copied().collect();
        let mut raw = Vec::new();
        for (partitions, sender) in feeds {
            let (to_decode, mut batches) = mpsc::channel(PIECES_AHEAD);
            raw.push((partitions, to_decode, sender.clone()));
            let reading = self.clone();
            tasks.spawn(async move {
                while let Some(batch) = batches.recv().await {
                    match reading.hand_over(batch, &sender).await {
                        Ok(true) => {}
                        Ok(false) => return,
                        Err(error) => {
                            let _gone = sender.send(Err(error)).await;
                            return;
                        }
                    }
                }
            });
        }
        tasks.spawn(async move {
            let read = async {
                let mut follow = self.store.follow_partitions(self.from.clone(), all).await?;
                loop {
                    let started = Instant::now();
                    let mut batch = follow.next().await?;
                    self.timings.waited_for_the_log(started);
                    for (partitions, lane, _) in &raw {
                        let part = part_of(&mut batch, partitions);
                        let nothing = part.events.is_empty() && part.cut == Cut::start();
                        if !nothing && lane.send(part).await.is_err() {
                            return Ok::<_, ProjectionError>(());
                        }
                    }
                }
            };
            if let Err(error) = read.await
                && let Some((_, _, first)) = raw.first()
            {
                let _gone = first.send(Err(error)).await;
            }
        });
    }

    /// Decodes a batch and hands its pieces to the lane; `false` when the lane is gone.
    async fn hand_over(&self, batch: FollowBatch, sender: &PieceSender) -> Result<bool, ProjectionError> {
        let started = Instant::now();
        let (pieces, error) = batch::pieces(batch, &self.gaps, self.max_events, self.max_bytes);
        self.timings.decoded(started);
        for piece in pieces {
            if sender.send(Ok(piece)).await.is_err() {
                return Ok(false);
            }
        }
        error.map_or(Ok(true), Err)
    }
}

/// Takes what belongs to these partitions out of a batch.
fn part_of(batch: &mut FollowBatch, partitions: &BTreeSet<u32>) -> FollowBatch {
    let events = batch
        .events
        .extract_if(.., |event| partitions.contains(&event.at.partition));
    FollowBatch {
        events: events.collect(),
        cut: batch.cut.of_partitions(partitions),
    }
}
