//! A read model with one row a task, rebuilt by other event stores from the same events on the same server, each as its documentation shows it.
//! None of them waits for the disk at commits, as our rebuild does not.

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::TryStreamExt as _;
use serde::Deserialize;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::BENCH;
use super::fold::{fold, remove};
use crate::filled_log::FilledLog;
use crate::measurement::{Measurement, Target, as_float};
use crate::peers::PeerProgram;
use crate::samples::median;
use crate::servers::Servers;

/// They have four events each. The slowest peer takes a minute for all of them.
const TASKS: i64 = 5_000;
const ROUNDS: usize = 3;
const TIMES_THE_BEST: f64 = 10.0;
const WITHIN: Duration = Duration::from_mins(10);

/// What a peer's program prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    events: u64,
    per_second: f64,
    tasks: u64,
    completed: u64,
}

/// The events that everybody gets.
struct Events {
    file: PathBuf,
    events: u64,
    tasks: u64,
}

/// One run each; ours is the median of some. What ours is beside the best of them counts the events of tasks alone, though it reads
/// all of a log that is much longer.
pub(super) async fn run(log: &FilledLog, servers: &Servers) -> Result<Vec<Measurement>> {
    let wanted = Target::AtLeastTimesLimit(TIMES_THE_BEST);
    let case = "one row: task, its own events";
    if std::env::var_os("CODING_AGENT_BENCH_PEERS").is_none() {
        return Ok(vec![Measurement::not_there(BENCH, case, "events/s", wanted)]);
    }
    let events = Events::of(log).await?;
    let (mut rows, mut best) = (Vec::new(), 0.0_f64);
    for (name, program) in [
        ("cqrs-es 0.5.0", PeerProgram::rust("rebuild", "cqrs-es")?),
        ("disintegrate 4.0.0", PeerProgram::rust("rebuild", "disintegrate")?),
        ("Emmett 0.42.0", PeerProgram::node("rebuild.js")?),
    ] {
        let report = rebuild(&program, &events, servers).await.context(name)?;
        best = best.max(report.per_second);
        rows.push(Measurement::new(
            BENCH,
            format!("one row: task by {name}"),
            report.per_second,
            "events/s",
        ));
    }
    let own: i64 = sqlx::query_scalar("select count(*) from journal.events where stream like 'task-%'")
        .fetch_one(&log.pool)
        .await?;
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let fold = fold(log, &["task"], servers).await?;
        remove(&log.pool, &fold.schema).await?;
        rates.push(as_float(u64::try_from(own)?) / fold.seconds);
    }
    rows.push(
        Measurement::new(BENCH, case, median(rates), "events/s")
            .against("the best of cqrs-es, disintegrate and Emmett", best)
            .wanted(wanted),
    );
    Ok(rows)
}

async fn rebuild(program: &PeerProgram, events: &Events, servers: &Servers) -> Result<Report> {
    let place = servers.new_place().await?;
    let mut connection = PgConnection::connect(&place.database_url).await?;
    let database: String = sqlx::query_scalar("select current_database()")
        .fetch_one(&mut connection)
        .await?;
    let sql = format!("alter database {database} set synchronous_commit = off");
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await?;
    let file = events
        .file
        .to_str()
        .context("the temporary folder has a name that is not text")?;
    let report: Report = program.run(&place, &[("--events", file.to_owned())], WITHIN).await?;
    place.remove().await?;
    ensure!(
        (report.events, report.tasks, report.completed) == (events.events, events.tasks, events.tasks),
        "of {} events of {} tasks it took {} and made {} rows, {} of them completed",
        events.events,
        events.tasks,
        report.events,
        report.tasks,
        report.completed
    );
    Ok(report)
}

impl Events {
    /// Of the first tasks that are done, those of each together.
    async fn of(log: &FilledLog) -> Result<Self> {
        let file = log.installation.folder("events.jsonl");
        let mut lines = BufWriter::new(std::fs::File::create(&file)?);
        let mut rows = sqlx::query_scalar::<_, String>(
            "select json_build_object('stream', e.stream, 'type', e.type, 'time', e.time, 'data', e.data)::text \
             from (select stream from journal.events where type = 'task.execution-completed.v1' order by position limit $1) as done \
             join journal.events e on e.stream = done.stream order by e.stream, e.revision",
        )
        .bind(TASKS)
        .fetch(&log.pool);
        let mut events = 0;
        while let Some(line) = rows.try_next().await? {
            writeln!(lines, "{line}")?;
            events += 1;
        }
        lines.flush()?;
        let tasks: i64 = sqlx::query_scalar(
            "select least($1, count(*)) from journal.events where type = 'task.execution-completed.v1'",
        )
        .bind(TASKS)
        .fetch_one(&log.pool)
        .await?;
        Ok(Self {
            file,
            events,
            tasks: u64::try_from(tasks)?,
        })
    }
}
