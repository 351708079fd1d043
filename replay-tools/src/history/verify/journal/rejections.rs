//! Recorded negative answers: those of the journal against those in the fences of the log.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ops::Range;

use chrono::{DateTime, Utc};
use event_store::RecordedRejection;
use event_store::codec::FenceTarget;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::super::error::VerifyError;
use super::super::finding::{Code, Finding, Findings};
use super::super::topic::AcceptedFence;
use super::compare::same;
use super::rows::{PAGE, page_limit, signed, unsigned};

/// Findings that one statement returns; there is no use in a million of them.
const MOST: i64 = 1_000;

/// A row of `journal.rejections`, as it is.
#[derive(Debug, Clone, sqlx::FromRow)]
struct RejectionRow {
    offset: i64,
    stream: String,
    command: Uuid,
    command_hash: String,
    answer: serde_json::Value,
    recorded_at: DateTime<Utc>,
}

/// The negative answers of one partition. In memory is a page of rows, and 32 bytes for each answer that the log records.
pub(super) struct Rejections {
    partition: u32,
    rows: RejectionPages,
    /// Stream and command of every answer up to here: the first one stays, so a later one has no row.
    answered: HashSet<(u128, Uuid)>,
}

impl Rejections {
    pub(super) fn of(partition: u32) -> Self {
        Self {
            partition,
            rows: RejectionPages::of(partition),
            answered: HashSet::new(),
        }
    }

    /// Compares what one accepted fence records, which must be the next one; how many were compared.
    pub(super) async fn compare(
        &mut self,
        connection: &mut PgConnection,
        fence: &AcceptedFence,
        findings: &mut Findings,
    ) -> Result<u64, VerifyError> {
        let mut found = self.rows_at(connection, fence.offset, findings).await?;
        let FenceTarget::Stream(stream) = &fence.target else {
            for row in found.values() {
                self.extra(row, findings);
            }
            return Ok(0);
        };
        let mut compared = 0;
        for rejection in &fence.rejections {
            if !self.answered.insert((stream.hash128(), rejection.command)) {
                continue;
            }
            let place = |code, sentence: String| {
                Finding::new(code, sentence)
                    .at(self.partition, fence.offset)
                    .on(stream.as_str())
            };
            let Some(row) = found.remove(&(stream.as_str().to_owned(), rejection.command)) else {
                let sentence = format!(
                    "the journal has passed it and has no row of the refusal of command {}",
                    rejection.command
                );
                findings.add(place(Code::RejectionMissing, sentence));
                continue;
            };
            compared += 1;
            if let Some(columns) = differences(rejection, fence.recorded_at, &row) {
                let sentence = format!(
                    "the refusal of command {} has another {columns} than the log",
                    rejection.command
                );
                findings.add(place(Code::RejectionDiffers, sentence));
            }
        }
        for row in found.values() {
            self.extra(row, findings);
        }
        Ok(compared)
    }

    /// After the last fence: what is left of the journal. What lies where the log was not judged cannot be compared.
    pub(super) async fn finish(
        mut self,
        connection: &mut PgConnection,
        unjudged: &Range<u64>,
        findings: &mut Findings,
    ) -> Result<(), VerifyError> {
        while let Some(row) = self.rows.take(connection).await? {
            if !unjudged.contains(&unsigned(row.offset)) {
                self.extra(&row, findings);
            }
        }
        self.rows.close(connection).await
    }

    /// The rows of one offset by stream and command; those before it belong to no accepted fence.
    async fn rows_at(
        &mut self,
        connection: &mut PgConnection,
        offset: u64,
        findings: &mut Findings,
    ) -> Result<BTreeMap<(String, Uuid), RejectionRow>, VerifyError> {
        let mut found = BTreeMap::new();
        while let Some(row) = self.rows.peek(connection).await? {
            if unsigned(row.offset) > offset {
                break;
            }
            let Some(row) = self.rows.take(connection).await? else {
                break;
            };
            if unsigned(row.offset) < offset {
                self.extra(&row, findings);
            } else {
                found.insert((row.stream.clone(), row.command), row);
            }
        }
        Ok(found)
    }

    fn extra(&self, row: &RejectionRow, findings: &mut Findings) {
        let sentence = format!("the refusal of command {} is not recorded in the log", row.command);
        findings.add(
            Finding::new(Code::RejectionExtra, sentence)
                .at(self.partition, unsigned(row.offset))
                .on(row.stream.as_str()),
        );
    }
}

fn differences(rejection: &RecordedRejection, recorded_at: DateTime<Utc>, row: &RejectionRow) -> Option<String> {
    let columns = [
        (
            "command_hash",
            format!("{:032x}", rejection.command_hash) == row.command_hash,
        ),
        ("answer", same(&rejection.answer, &row.answer)),
        (
            "recorded_at",
            recorded_at.timestamp_micros() == row.recorded_at.timestamp_micros(),
        ),
    ];
    let differing: Vec<_> = columns
        .iter()
        .filter(|(_, equal)| !equal)
        .map(|(name, _)| *name)
        .collect();
    (!differing.is_empty()).then(|| differing.join(", "))
}

/// The rows of one partition in the order of the log. The table has no index in that order, so the database sorts once, behind a cursor.
struct RejectionPages {
    partition: i32,
    page: VecDeque<RejectionRow>,
    is_open: bool,
    complete: bool,
}

impl RejectionPages {
    fn of(partition: u32) -> Self {
        Self {
            partition: signed(partition),
            page: VecDeque::new(),
            is_open: false,
            complete: false,
        }
    }

    async fn peek(&mut self, connection: &mut PgConnection) -> Result<Option<&RejectionRow>, VerifyError> {
        if self.page.is_empty() && !self.complete {
            let cursor = format!("rejections_{}", self.partition);
            if !self.is_open {
                let open = format!(
                    r#"declare {cursor} no scroll cursor for
                       select "offset", stream, command, command_hash, answer, recorded_at from journal.rejections
                       where partition = {} order by "offset", command"#,
                    self.partition
                );
                sqlx::raw_sql(AssertSqlSafe(open)).execute(&mut *connection).await?;
                self.is_open = true;
            }
            let fetch = format!("fetch {} from {cursor}", page_limit());
            let rows: Vec<RejectionRow> = sqlx::query_as(AssertSqlSafe(fetch)).fetch_all(&mut *connection).await?;
            self.complete = rows.len() < PAGE;
            self.page = rows.into();
        }
        Ok(self.page.front())
    }

    async fn take(&mut self, connection: &mut PgConnection) -> Result<Option<RejectionRow>, VerifyError> {
        self.peek(connection).await?;
        Ok(self.page.pop_front())
    }

    async fn close(self, connection: &mut PgConnection) -> Result<(), VerifyError> {
        if self.is_open {
            let close = format!("close rejections_{}", self.partition);
            sqlx::raw_sql(AssertSqlSafe(close)).execute(connection).await?;
        }
        Ok(())
    }
}

/// A refusal that is recorded is final: nothing of its command comes after it.
pub(super) async fn check_final(connection: &mut PgConnection, findings: &mut Findings) -> Result<(), VerifyError> {
    let rows: Vec<(String, i64, i32, i64, Uuid)> = sqlx::query_as(
        r#"select events.stream, events.revision, events.partition, events."offset", events.command
           from journal.rejections
           join journal.events on events.stream = rejections.stream and events.command = rejections.command
           -- Where the journal is the log, the offset is that of the last event before the refusal.
           where events."offset" > rejections."offset"
           order by events.partition, events."offset" limit $1"#,
    )
    .bind(MOST)
    .fetch_all(connection)
    .await?;
    for (stream, revision, partition, offset, command) in rows {
        let sentence = format!("command {command} was refused for good before, and has happened here");
        findings.add(
            Finding::new(Code::RejectedHappened, sentence)
                .at(u32::try_from(partition).unwrap_or(u32::MAX), unsigned(offset))
                .on(stream)
                .revision(unsigned(revision)),
        );
    }
    Ok(())
}
