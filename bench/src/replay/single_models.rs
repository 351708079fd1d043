//! Read models rebuilt alone.

use anyhow::{Result, ensure};
use sqlx::AssertSqlSafe;

use super::BENCH;
use super::fold::{Fold, fold, remove};
use crate::cost;
use crate::filled_log::FilledLog;
use crate::limit::postgres::copy_of_table;
use crate::measurement::{Measurement, Target, as_float};
use crate::samples::median;
use crate::servers::Servers;

/// Each fold and its limit are repeated so often, in turns; the median counts.
const ROUNDS: usize = 3;
const OF_COPY: f64 = 0.6;
const ONE_ROW_A_SECOND: f64 = 50_000.0;
const COUNTERS_A_SECOND: f64 = 100_000.0;

/// One row an event.
pub(super) async fn insert_only(log: &FilledLog, servers: &Servers) -> Result<Vec<Measurement>> {
    let copied = "COPY of the same rows into the same table and indexes";
    let rounds = rounds(log, servers, "activity").await?;
    let mut rows = vec![
        rounds
            .row("insert-only: activity", "rows/s", |round| {
                as_float(round.rows) / round.fold.seconds
            })
            .against(copied, rounds.limit())
            .wanted(Target::AtLeastTimesLimit(OF_COPY)),
        rounds.row("insert-only: activity, events", "events/s", |round| {
            round.fold.per_second()
        }),
    ];
    rows.extend(rounds.cost("insert-only: activity"));
    Ok(rows)
}

/// One row a task.
pub(super) async fn one_row(log: &FilledLog, servers: &Servers) -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    for (model, case) in [("task", "one row: task"), ("conversation", "one row: conversation")] {
        let rounds = rounds(log, servers, model).await?;
        rows.push(
            rounds
                .row(case, "events/s", |round| round.fold.per_second())
                .against(
                    "COPY of its rows, as events of the log",
                    rounds.limit() * rounds.events_a_row(),
                )
                .wanted(Target::AtLeast(ONE_ROW_A_SECOND)),
        );
        rows.extend(rounds.cost(case));
    }
    Ok(rows)
}

/// Counters of day, type, complexity, status and owner.
pub(super) async fn counters(log: &FilledLog, servers: &Servers) -> Result<Vec<Measurement>> {
    let rounds = rounds(log, servers, "statistics").await?;
    let mut rows = vec![
        rounds
            .row("counters: statistics", "events/s", |round| round.fold.per_second())
            .against(
                "COPY of its rows, as events of the log",
                rounds.limit() * rounds.events_a_row(),
            )
            .wanted(Target::AtLeast(COUNTERS_A_SECOND)),
        rounds.row("counters: statistics, rows", "rows", |round| as_float(round.rows)),
    ];
    rows.extend(rounds.cost("counters: statistics"));
    Ok(rows)
}

struct Round {
    fold: Fold,
    /// Of the model's table.
    rows: u64,
    /// Rows a second of a COPY.
    copied: f64,
}

struct Rounds(Vec<Round>);

impl Rounds {
    fn of(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.0.iter().map(figure).collect())
    }

    fn row(&self, case: &str, unit: &'static str, figure: impl Fn(&Round) -> f64) -> Measurement {
        Measurement::new(BENCH, case, self.of(figure), unit)
    }

    fn limit(&self) -> f64 {
        self.of(|round| round.copied)
    }

    fn events_a_row(&self) -> f64 {
        self.of(|round| as_float(round.fold.events) / as_float(round.rows.max(1)))
    }

    fn cost(&self, case: &str) -> Vec<Measurement> {
        cost::rows(
            BENCH,
            case,
            &self.0.iter().map(|round| &round.fold.used).collect::<Vec<_>>(),
        )
    }
}

/// The table has the model's name.
async fn rounds(log: &FilledLog, servers: &Servers, model: &str) -> Result<Rounds> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let fold = fold(log, &[model], servers).await?;
        let table = format!("{}.{model}", fold.schema);
        let (rows, took) = copy_of_table(log.database_url(), &table).await?;
        let sql = format!("select count(*) from {table}");
        let counted: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&log.pool).await?;
        ensure!(
            u64::try_from(counted)? == rows,
            "{counted} rows of {table}, {rows} copied"
        );
        remove(&log.pool, &fold.schema).await?;
        rounds.push(Round {
            fold,
            rows,
            copied: as_float(rows) / took.as_secs_f64(),
        });
    }
    Ok(Rounds(rounds))
}
