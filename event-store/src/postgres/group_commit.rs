//! Group commit: all commits that wait go into one call of `journal.append`.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::StreamId;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::commit::{Basis, Commit, CommitOutcome, CommitReceipt};
use crate::error::StoreError;
use crate::event::{EventMetadata, LogPosition};
use crate::journal::postgres::{PostgresJournal, partition_column};
use crate::journal::rows::{database_error, get, signed, unsigned};
use crate::position::Position;

/// Most events in one transaction.
const MAX_EVENTS: usize = 4_000;
/// Commits that may wait; more are told to come back.
const QUEUE: usize = 16_384;

/// How long an idle connection is kept before the pool gets it back.
const KEEP_CONNECTION: Duration = Duration::from_millis(100);

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
    // Kept from group to group: taking it from the pool and giving it back costs as much as a small commit. Not for long,
    // since a pool that is closed waits for it.
    let mut connection = None;
    loop {
        if queue.is_empty() {
            match tokio::time::timeout(KEEP_CONNECTION, waiting.recv()).await {
                Ok(Some(first)) => queue.push_back(first),
                Ok(None) => return,
                Err(_) => {
                    connection = None;
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
        write(&journal, &mut connection, group).await;
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

async fn write(journal: &PostgresJournal, connection: &mut Option<PoolConnection<Postgres>>, group: Vec<Waiting>) {
    match append(journal, connection, &group).await {
        Ok(outcomes) => {
            let last = outcomes.iter().filter_map(position_of).max();
            for (waiting, outcome) in group.into_iter().zip(outcomes) {
                // An author that stopped waiting needs no answer.
                let _ = waiting.answer.send(Ok(outcome));
            }
            if let Some(last) = last {
                journal.wake().moved_to(last);
            }
        }
        Err(error) => {
            // Whatever happened to it, the next group gets another one.
            if let Some(broken) = connection.take() {
                drop(broken.detach());
            }
            for waiting in group {
                let _ = waiting.answer.send(Err(error.clone()));
            }
        }
    }
}

fn position_of(outcome: &CommitOutcome) -> Option<u64> {
    match outcome {
        CommitOutcome::Accepted(receipt) => receipt.position.map(|position| position.0),
        CommitOutcome::Void => None,
    }
}

/// The arguments of `journal.append`, column by column.
#[derive(Default)]
struct Columns<'a> {
    stream: Vec<&'a str>,
    expected: Vec<i64>,
    partition: Vec<i32>,
    events: Vec<i32>,
    commit: Vec<i32>,
    id: Vec<Uuid>,
    event_type: Vec<&'a str>,
    time: Vec<DateTime<Utc>>,
    command: Vec<Uuid>,
    data: Vec<Json<&'a serde_json::value::RawValue>>,
    metadata: Vec<Json<&'a EventMetadata>>,
}

async fn append(
    journal: &PostgresJournal,
    kept: &mut Option<PoolConnection<Postgres>>,
    group: &[Waiting],
) -> Result<Vec<CommitOutcome>, StoreError> {
    let mut columns = Columns::default();
    for (waiting, number) in group.iter().zip(1_i32..) {
        columns.stream.push(waiting.commit.stream.as_str());
        columns.expected.push(waiting.commit.basis.revision.map_or(-1, signed));
        columns.partition.push(partition_column(waiting.partition));
        columns
            .events
            .push(i32::try_from(waiting.commit.event_count()).unwrap_or(i32::MAX));
        for command in &waiting.commit.commands {
            let scoped = command.stamp.scoped_command();
            for event in &command.events {
                columns.commit.push(number);
                columns.id.push(event.id.as_uuid());
                columns.event_type.push(&event.event_type);
                columns.time.push(event.time);
                columns.command.push(scoped);
                columns.data.push(Json(&*event.data));
                columns.metadata.push(Json(&command.stamp));
            }
        }
    }
    // A connection that cannot be had means that nothing was sent; an error after that leaves the outcome open,
    // unless the server itself reports that the statement failed.
    let connection = match kept {
        Some(connection) => connection,
        None => kept.insert(journal.pool().acquire().await.map_err(|error| database_error(&error))?),
    };
    let rows = sqlx::query("select * from journal.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(&columns.stream)
        .bind(&columns.expected)
        .bind(&columns.partition)
        .bind(&columns.events)
        .bind(&columns.commit)
        .bind(&columns.id)
        .bind(&columns.event_type)
        .bind(&columns.time)
        .bind(&columns.command)
        .bind(&columns.data)
        .bind(&columns.metadata)
        .fetch_all(&mut **connection)
        .await
        .map_err(|error| append_error(&error))?;
    group
        .iter()
        .zip(&rows)
        .map(|(waiting, row)| outcome(waiting, row))
        .collect()
}

/// SQLSTATE classes in which the server may have gone away between commit and answer.
const OPEN_OUTCOME_CLASSES: [&str; 3] = ["57", "08", "XX"];

fn append_error(error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(database)
            if database
                .code()
                .is_some_and(|code| !OPEN_OUTCOME_CLASSES.contains(&&code[..code.len().min(2)])) =>
        {
            database_error(error)
        }
        _ => StoreError::OutcomeUnknown {
            reason: format!("PostgreSQL did not answer an append: {error}"),
        },
    }
}

fn outcome(waiting: &Waiting, row: &PgRow) -> Result<CommitOutcome, StoreError> {
    if !get::<bool>(row, "accepted")? {
        return Ok(CommitOutcome::Void);
    }
    let position = unsigned(get(row, "last_position")?)?;
    let revision = waiting.commit.basis.next_revision() + waiting.commit.event_count() as u64 - 1;
    Ok(CommitOutcome::Accepted(CommitReceipt {
        revision,
        at: LogPosition {
            partition: waiting.partition,
            offset: position,
            index: 0,
        },
        position: Some(Position(position)),
        basis: Basis {
            revision: Some(revision),
            ..Basis::EMPTY
        },
    }))
}
