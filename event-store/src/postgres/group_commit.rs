//! Group commit: all commits that wait go into one transaction of one round trip ([`appending`]).

use std::collections::{HashSet, VecDeque};

use domain::StreamId;
use tokio::sync::{mpsc, oneshot};

use crate::commit::{Commit, CommitOutcome};
use crate::error::StoreError;
use crate::journal::postgres::{KEEP_CONNECTION, PostgresJournal};

mod appending;

use appending::Appender;

pub(super) use appending::append_error;

/// Most events in one transaction.
const MAX_EVENTS: usize = 4_000;
/// Commits that may wait; more are told to come back.
const QUEUE: usize = 16_384;

struct Waiting {
    commit: Commit,
    partition: u32,
    answer: oneshot::Sender<Result<CommitOutcome, StoreError>>,
}

/// Takes commits from everywhere in the process; ends with its last clone.
#[derive(Clone)]
pub(super) struct Committer {
    queue: mpsc::Sender<Waiting>,
}

impl Committer {
    pub(super) fn start(journal: PostgresJournal) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(serve(journal, waiting));
        Self { queue }
    }

    pub(super) async fn commit(&self, commit: Commit, partition: u32) -> Result<CommitOutcome, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .try_send(Waiting {
                commit,
                partition,
                answer,
            })
            .map_err(|_| StoreError::Backpressure {
                reason: "too many commits are waiting".to_owned(),
            })?;
        answered.await.map_err(|_| StoreError::OutcomeUnknown {
            reason: "the store was shut down".to_owned(),
        })?
    }
}

async fn serve(journal: PostgresJournal, mut waiting: mpsc::Receiver<Waiting>) {
    let mut queue = VecDeque::new();
    let mut appender = Appender::new(journal);
    loop {
        if queue.is_empty() {
            match tokio::time::timeout(KEEP_CONNECTION, waiting.recv()).await {
                Ok(Some(first)) => queue.push_back(first),
                Ok(None) => return,
                Err(_) => {
                    appender.rest();
                    match waiting.recv().await {
                        Some(first) => queue.push_back(first),
                        None => return,
                    }
                }
            }
        }
        while let Ok(more) = waiting.try_recv() {
            queue.push_back(more);
        }
        let group = take_group(&mut queue);
        write(&mut appender, group).await;
    }
}

/// The first commits of the queue, one a stream: a second commit of a stream was decided on the first or loses to it, so it waits.
fn take_group(queue: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut group: Vec<Waiting> = Vec::new();
    let mut streams: HashSet<StreamId> = HashSet::new();
    let mut later = VecDeque::new();
    let mut events = 0;
    while let Some(next) = queue.pop_front() {
        let count = next.commit.event_count();
        if !group.is_empty() && events + count > MAX_EVENTS {
            queue.push_front(next);
            break;
        }
        if streams.insert(next.commit.stream.clone()) {
            events += count;
            group.push(next);
        } else {
            later.push_back(next);
        }
    }
    later.append(queue);
    *queue = later;
    group
}

async fn write(appender: &mut Appender, group: Vec<Waiting>) {
    match appender.append(&group).await {
        Ok(outcomes) => {
            for (waiting, outcome) in group.into_iter().zip(outcomes) {
                // An author that stopped waiting needs no answer.
                let _ = waiting.answer.send(Ok(outcome));
            }
        }
        Err(error) => {
            for waiting in group {
                let _ = waiting.answer.send(Err(error.clone()));
            }
        }
    }
}
