//! Writing a group of commits.
//!
//! Nearly always every commit of a group extends the stream that it was decided on. So first they are inserted as if that were sure,
//! in one go. The keys catch a race that was lost, nothing is written then, and `journal.append` finds the losers and inserts the
//! rest, at twice the price.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, Row as _};
use tokio::time::Instant;
use uuid::Uuid;

use super::Waiting;
use crate::commit::{Basis, CommitOutcome, CommitReceipt};
use crate::error::StoreError;
use crate::event::{EventMetadata, LogPosition};
use crate::journal::postgres::{PostgresJournal, integer};
use crate::journal::rows::{ELSEWHERE, database_error, get, signed, unsigned};
use crate::position::Position;

/// After a lost race more are likely: so long nothing is taken for sure.
const DOUBT: Duration = Duration::from_millis(500);

/// Appends groups over a connection of its own.
pub(super) struct Appender {
    journal: PostgresJournal,
    /// Kept from group to group: taking it from the pool and giving it back costs as much as a small commit.
    connection: Option<PoolConnection<Postgres>>,
    in_doubt_until: Option<Instant>,
}

impl Appender {
    pub(super) fn new(journal: PostgresJournal) -> Self {
        Self {
            journal,
            connection: None,
            in_doubt_until: None,
        }
    }

    /// Gives the connection back.
    pub(super) fn rest(&mut self) {
        self.connection = None;
    }

    /// The outcome of each commit, in order, after they are durable; readers in this process are woken.
    pub(super) async fn append(&mut self, group: &[Waiting]) -> Result<Vec<CommitOutcome>, StoreError> {
        let outcomes = self.try_append(group).await;
        match &outcomes {
            Ok(outcomes) => {
                if let Some(last) = outcomes.iter().filter_map(position_of).max() {
                    self.journal.wake().moved_to(last);
                }
            }
            // Whatever happened to it, the next group gets another one.
            Err(_) => drop(self.connection.take().map(PoolConnection::detach)),
        }
        outcomes
    }

    async fn try_append(&mut self, group: &[Waiting]) -> Result<Vec<CommitOutcome>, StoreError> {
        // A connection that cannot be had means that nothing was sent; an error after that leaves the outcome open,
        // unless the server itself reports that the statement failed.
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.journal.connection().await?),
        };
        if self.in_doubt_until.is_none_or(|until| until <= Instant::now()) {
            match insert_all(connection, group).await {
                Err(error) if is_lost_race(&error) => self.in_doubt_until = Some(Instant::now() + DOUBT),
                Err(error) => return Err(append_error(&error)),
                Ok(base) => return Ok(accept_all(group, unsigned(base)?)),
            }
        }
        let rows = insert_winners(connection, group)
            .await
            .map_err(|error| append_error(&error))?;
        group
            .iter()
            .zip(&rows)
            .map(|(waiting, row)| verdict(waiting, row))
            .collect()
    }
}

/// What both statements need of each event, column by column.
#[derive(Default)]
struct Events<'a> {
    commit: Vec<i32>,
    id: Vec<Uuid>,
    event_type: Vec<&'a str>,
    time: Vec<DateTime<Utc>>,
    command: Vec<Uuid>,
    data: Vec<Json<&'a serde_json::value::RawValue>>,
    metadata: Vec<Json<&'a EventMetadata>>,
}

impl<'a> Events<'a> {
    fn of(group: &'a [Waiting]) -> Self {
        let mut events = Self::default();
        for (waiting, number) in group.iter().zip(1_i32..) {
            for command in &waiting.commit.commands {
                let scoped = command.stamp.scoped_command();
                for event in &command.events {
                    events.commit.push(number);
                    events.id.push(event.id.as_uuid());
                    events.event_type.push(&event.event_type);
                    events.time.push(event.time);
                    events.command.push(scoped);
                    events.data.push(Json(&*event.data));
                    events.metadata.push(Json(&command.stamp));
                }
            }
        }
        events
    }

    /// Both functions end with these arguments.
    fn bind_to<'q>(&'q self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        query
            .bind(&self.id)
            .bind(&self.event_type)
            .bind(&self.time)
            .bind(&self.command)
            .bind(&self.data)
            .bind(&self.metadata)
    }
}

/// Returns the position before the first event.
async fn insert_all(connection: &mut PgConnection, group: &[Waiting]) -> Result<i64, sqlx::Error> {
    let events = Events::of(group);
    let (mut stream, mut revision, mut partition, mut expected) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for waiting in group {
        let first = waiting.commit.basis.next_revision();
        for (revision_of_event, place) in (first..).zip(0..waiting.commit.event_count()) {
            stream.push(waiting.commit.stream.as_str());
            revision.push(signed(revision_of_event));
            partition.push(integer(waiting.partition));
            let revision_before = waiting.commit.basis.revision.filter(|_| place == 0);
            expected.push(revision_before.map(signed));
        }
    }
    let query = sqlx::query("select journal.append_all($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(&stream)
        .bind(&revision)
        .bind(&expected)
        .bind(&partition);
    events.bind_to(query).fetch_one(connection).await?.try_get(0)
}

/// One row a commit: whether it won, and its last position.
async fn insert_winners(connection: &mut PgConnection, group: &[Waiting]) -> Result<Vec<PgRow>, sqlx::Error> {
    let events = Events::of(group);
    let stream: Vec<_> = group.iter().map(|waiting| waiting.commit.stream.as_str()).collect();
    let expected: Vec<_> = group
        .iter()
        .map(|waiting| waiting.commit.basis.revision.map_or(-1, signed))
        .collect();
    let partition: Vec<_> = group.iter().map(|waiting| integer(waiting.partition)).collect();
    let count: Vec<_> = group
        .iter()
        .map(|waiting| i32::try_from(waiting.commit.event_count()).unwrap_or(i32::MAX))
        .collect();
    let query = sqlx::query("select * from journal.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(&stream)
        .bind(&expected)
        .bind(&partition)
        .bind(&count)
        .bind(&events.commit);
    events.bind_to(query).fetch_all(connection).await
}

/// The statement failed as a whole because a stream is not where a commit believes it to be.
fn is_lost_race(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|database| {
        database.constraint() == Some("events_pkey") || database.code().is_some_and(|code| code == ELSEWHERE)
    })
}

/// SQLSTATE classes in which the server may have gone away between commit and answer.
const OPEN_OUTCOME_CLASSES: [&str; 3] = ["57", "08", "XX"];

/// What an error of a statement that writes means: unless the server says that it failed, it may have been done.
pub(in crate::postgres) fn append_error(error: &sqlx::Error) -> StoreError {
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

fn accept_all(group: &[Waiting], base: u64) -> Vec<CommitOutcome> {
    let mut last = base;
    let accept = |waiting: &Waiting| {
        last += waiting.commit.event_count() as u64;
        accepted(waiting, last)
    };
    group.iter().map(accept).collect()
}

fn verdict(waiting: &Waiting, row: &PgRow) -> Result<CommitOutcome, StoreError> {
    if !get::<bool, _>(row, "accepted")? {
        return Ok(CommitOutcome::Void);
    }
    Ok(accepted(waiting, unsigned(get(row, "last_position")?)?))
}

fn accepted(waiting: &Waiting, position: u64) -> CommitOutcome {
    let revision = waiting.commit.basis.next_revision() + waiting.commit.event_count() as u64 - 1;
    CommitOutcome::Accepted(CommitReceipt {
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
    })
}

fn position_of(outcome: &CommitOutcome) -> Option<u64> {
    match outcome {
        CommitOutcome::Accepted(receipt) => receipt.position.map(|position| position.0),
        CommitOutcome::Void => None,
    }
}
