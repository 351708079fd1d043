//! Looking at a generation: log, checkpoints, processes, sessions of the database.

use std::time::Duration;

use event_store::Cut;
use projections::administration::{self, AdministrationError, GenerationRecord};
use projections::{ProjectionError, fingerprint, read_model};
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;

use super::facts::{LagFacts, LockWait, ParkedFacts, ProcessFacts, ServingFacts, Timings};
use crate::generations::{GenerationsError, GenerationsSources};

/// Looks twice, `between` apart. The generation that serves is looked at when none is named.
pub async fn observe(
    generation: Option<&str>,
    sources: &GenerationsSources,
    between: Duration,
) -> Result<LagFacts, GenerationsError> {
    let started = Instant::now();
    let (before, _) = look(generation, sources).await?;
    tokio::time::sleep(between).await;
    let (record, serving) = look(Some(&before.generation), sources).await?;
    let passed = started.elapsed().as_secs_f64().max(f64::EPSILON);
    let per_second = |records: u64| f64::from(u32::try_from(records).unwrap_or(u32::MAX)) / passed;

    let store = &*sources.store;
    let pool = &sources.pool;
    let is_of_this_history = record.epoch == store.epoch();
    let behind_seconds = if is_of_this_history && record.behind > 0 {
        behind_seconds(sources, &record.cut).await?
    } else {
        0.0
    };
    let end = store.end().await.map_err(ProjectionError::from)?;
    let processes = processes(pool, &record.generation).await?;
    let mut connection = pool.acquire().await?;
    Ok(LagFacts {
        is_ours: record.fingerprint == fingerprint::fingerprint(&read_model::all()),
        is_of_this_history,
        behind_seconds,
        arrived_per_second: per_second(record.records.saturating_sub(before.records)),
        projected_per_second: per_second(store.behind(&record.cut, &before.cut)),
        unheld_partitions: unheld(&mut connection, record.id, &end, &processes).await?,
        processes,
        waits: waits(&mut connection, &record).await?,
        parked: parked(&mut connection, record.id).await?,
        serving: serving.filter(|serving| serving.generation != record.generation),
        rebuild_yields_at: sources.projections.rebuild_yields_at,
        generation: record.generation,
        state: record.state,
        fingerprint: record.fingerprint,
        behind: record.behind,
        records: record.records,
    })
}

async fn look(
    generation: Option<&str>,
    sources: &GenerationsSources,
) -> Result<(GenerationRecord, Option<ServingFacts>), GenerationsError> {
    let listed = administration::list(&sources.pool, &*sources.store).await?;
    let serves = |record: &&GenerationRecord| record.state == "serving";
    let serving = listed.iter().find(serves).map(|record| ServingFacts {
        generation: record.generation.clone(),
        behind: record.behind,
    });
    let found = listed.into_iter().find(|record| match generation {
        Some(name) => record.generation == name,
        None => record.state == "serving",
    });
    let missing = || match generation {
        Some(name) => AdministrationError::Unknown {
            generation: name.to_owned(),
        },
        None => AdministrationError::NothingServes,
    };
    Ok((found.ok_or_else(missing)?, serving))
}

async fn behind_seconds(sources: &GenerationsSources, cut: &Cut) -> Result<f64, GenerationsError> {
    let oldest = sources.store.first_recorded_after(cut).await;
    let Some(oldest) = oldest.map_err(ProjectionError::from)? else {
        return Ok(0.0);
    };
    Ok(age(&sources.pool, oldest).await?)
}

async fn age(pool: &PgPool, at: chrono::DateTime<chrono::Utc>) -> Result<f64, sqlx::Error> {
    sqlx::query_scalar("select greatest(extract(epoch from clock_timestamp() - $1), 0)::float8")
        .bind(at)
        .fetch_one(pool)
        .await
}

async fn processes(pool: &PgPool, generation: &str) -> Result<Vec<ProcessFacts>, GenerationsError> {
    let all = administration::processes(pool).await?;
    // One that died does nothing any more; what it held shows as held by nobody.
    let ours = all
        .into_iter()
        .filter(|process| process.generation == generation && process.alive);
    let facts = ours.map(|process| ProcessFacts {
        id: process.id,
        name: process.name,
        seen_seconds_ago: process.seen_seconds_ago,
        partitions: u32::try_from(process.partitions).unwrap_or(u32::MAX),
        // Another version may measure other things.
        timings: serde_json::from_value::<Timings>(process.timings).unwrap_or_default(),
    });
    Ok(facts.collect())
}

/// Partitions with something to do that nobody living holds.
async fn unheld(
    connection: &mut PgConnection,
    generation: i32,
    end: &Cut,
    processes: &[ProcessFacts],
) -> Result<Vec<u32>, sqlx::Error> {
    let living: Vec<i32> = processes.iter().map(|process| process.id).collect();
    let rows: Vec<(i32, i64)> = sqlx::query_as(
        "select partition, next_offset from control.checkpoint \
         where generation = $1 and (holder = any ($2)) is not true order by partition",
    )
    .bind(generation)
    .bind(living)
    .fetch_all(connection)
    .await?;
    let behind = rows.into_iter().filter_map(|(partition, next)| {
        let partition = partition.cast_unsigned();
        (end.next(partition) > next.cast_unsigned()).then_some(partition)
    });
    Ok(behind.collect())
}

async fn parked(connection: &mut PgConnection, generation: i32) -> Result<ParkedFacts, sqlx::Error> {
    let (streams, first, code): (i64, Option<String>, Option<String>) = sqlx::query_as(
        "select count(*), (array_agg(stream order by parked_at, stream))[1], (array_agg(code order by parked_at, stream))[1] \
         from control.parked_stream where generation = $1",
    )
    .bind(generation)
    .fetch_one(connection)
    .await?;
    Ok(ParkedFacts {
        streams: u64::try_from(streams).unwrap_or(0),
        first,
        code,
    })
}

#[derive(sqlx::FromRow)]
struct WaitRow {
    pid: i32,
    seconds: f64,
    blocked_by: i32,
    application: Option<String>,
    doing: Option<String>,
    open_seconds: Option<f64>,
    is_promoting: bool,
}

/// Who waits for a checkpoint of the generation, or for one of its tables, and for whom.
async fn waits(connection: &mut PgConnection, record: &GenerationRecord) -> Result<Vec<LockWait>, sqlx::Error> {
    let rows: Vec<WaitRow> = sqlx::query_as(
        r"with waiting as (
             select distinct lock.pid from pg_locks lock
             join pg_stat_activity activity on activity.pid = lock.pid and activity.wait_event_type = 'Lock'
             where lock.database = (select oid from pg_database where datname = current_database()) and (
                 lock.relation in (select oid from pg_class where relnamespace = to_regnamespace($2))
                 -- Who waits for a row holds or wants the lock of its place; for the whole table, that of the table.
                 or lock.relation = 'control.checkpoint'::regclass and (
                     lock.locktype = 'relation' and not lock.granted
                     or lock.locktype = 'tuple' and exists (
                         select from control.checkpoint
                         where checkpoint.ctid = format('(%s,%s)', lock.page, lock.tuple)::tid and checkpoint.generation = $1))))
         select waiting.pid, blocker.pid as blocked_by, blocker.application_name as application,
                coalesce(extract(epoch from clock_timestamp() - (
                    select min(waitstart) from pg_locks wanted where wanted.pid = waiting.pid and not wanted.granted
                )), 0)::float8 as seconds,
                concat_ws(', ', blocker.state, nullif(left(regexp_replace(blocker.query, '\s+', ' ', 'g'), 80), '')) as doing,
                extract(epoch from clock_timestamp() - blocker.xact_start)::float8 as open_seconds,
                exists (select from pg_locks held where held.pid = blocker.pid and held.granted
                        and held.relation = 'control.serving'::regclass and held.mode in ('RowShareLock', 'RowExclusiveLock')) as is_promoting
         from waiting, unnest(pg_blocking_pids(waiting.pid)) as blocking (pid)
         join pg_stat_activity blocker on blocker.pid = blocking.pid
         order by 1, 2",
    )
    .bind(record.id)
    .bind(&record.generation)
    .fetch_all(connection)
    .await?;
    let wait = |row: WaitRow| LockWait {
        pid: row.pid,
        seconds: row.seconds,
        blocked_by: row.blocked_by,
        application: row
            .application
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "unnamed".to_owned()),
        doing: row.doing.unwrap_or_default(),
        open_seconds: row.open_seconds.unwrap_or(0.0),
        is_promoting: row.is_promoting,
    };
    Ok(rows.into_iter().map(wait).collect())
}
