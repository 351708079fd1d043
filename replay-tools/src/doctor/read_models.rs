//! The read models: what serves, how far it is, what stands still, what only takes space.

use event_store::Cut;
use projections::{fingerprint, read_model};
use sqlx::PgPool;

use super::{DoctorReport, Verdict, size};

/// Behind by more, a generation is not only a moment late.
const FAR_BEHIND: u64 = 10_000;
/// A generation that nobody needs to go back to any more.
const OLD_HOURS: i32 = 24;

/// All checks on the read models of a log that ends there.
pub async fn check(report: &mut DoctorReport, pool: &PgPool, log_end: Option<&Cut>) {
    let made = sqlx::query_scalar("select to_regclass('control.parked_stream') is not null").fetch_one(pool);
    if !matches!(made.await, Ok(true)) {
        report.add(
            "read-models.serving",
            Verdict::not_checked("schema control is not up to date (see database.schemas)"),
        );
        return;
    }
    report.look("read-models.serving", serving(pool)).await;
    if let Some(end) = log_end {
        report.look("read-models.lag", lag(pool, end)).await;
    }
    report.look("read-models.processes", processes(pool)).await;
    report.look("read-models.parked", parked(pool)).await;
    report.look("read-models.old-generations", old(pool)).await;
}

async fn serving(pool: &PgPool) -> Result<Verdict, sqlx::Error> {
    let serving: Option<(Option<String>, String)> = sqlx::query_as(
        "select schema_name, fingerprint from control.serving join control.generation on generation.id = serving.generation",
    )
    .fetch_optional(pool)
    .await?;
    let ours = fingerprint::fingerprint(&read_model::all());
    Ok(match serving {
        None => Verdict::finding(
            "no generation serves: queries are answered with 503",
            "start `coding-agent projector` or `coding-agent up`; the first generation serves at once",
        ),
        Some((schema, theirs)) if theirs != ours => Verdict::finding(
            format!(
                "{} serves, which another version of the projectors fills ({theirs}; this one has {ours})",
                schema.unwrap_or_default()
            ),
            "let that version run until the generation of this one is complete, then `coding-agent projections promote` it",
        ),
        Some((schema, _)) => Verdict::fine(format!("{} serves", schema.unwrap_or_default())),
    })
}

/// As far as checkpoints tell: records of other kinds than events count too.
async fn lag(pool: &PgPool, end: &Cut) -> Result<Verdict, sqlx::Error> {
    let rows: Vec<(i32, i64)> = sqlx::query_as(
        "select partition, next_offset from control.checkpoint join control.serving on serving.generation = checkpoint.generation",
    )
    .fetch_all(pool)
    .await?;
    if rows.is_empty() {
        return Ok(Verdict::fine("nothing serves that could be behind"));
    }
    let worst = rows
        .into_iter()
        .map(|(partition, next)| {
            let partition = partition.cast_unsigned();
            (end.next(partition).saturating_sub(next.cast_unsigned()), partition)
        })
        .max();
    let (behind, partition) = worst.unwrap_or_default();
    let sentence = format!("what serves is at most {behind} offsets behind the end of the log (partition {partition})");
    Ok(if behind > FAR_BEHIND {
        Verdict::finding(sentence, "ask why: `coding-agent projections explain-lag`")
    } else {
        Verdict::fine(sentence)
    })
}

async fn processes(pool: &PgPool) -> Result<Verdict, sqlx::Error> {
    let (all, silent): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where seen_at < clock_timestamp() - interval '1 minute') \
         from control.projector where left_at is null",
    )
    .fetch_one(pool)
    .await?;
    Ok(if silent > 0 {
        Verdict::finding(
            format!("{silent} of {all} processes that follow generations have not looked in for a minute"),
            "ask which: `coding-agent projections explain-lag`; a process that hangs is to be ended",
        )
    } else {
        Verdict::fine(format!("{all} processes follow generations"))
    })
}

async fn parked(pool: &PgPool) -> Result<Verdict, sqlx::Error> {
    let parked: Vec<(String, i64)> = sqlx::query_as(
        "select coalesce(schema_name, '?'), count(*) from control.parked_stream \
         join control.generation on generation.id = parked_stream.generation group by 1 order by 1",
    )
    .fetch_all(pool)
    .await?;
    if parked.is_empty() {
        return Ok(Verdict::fine("no stream stands still"));
    }
    let parts: Vec<String> = parked
        .iter()
        .map(|(schema, streams)| format!("{streams} streams in {schema}"))
        .collect();
    Ok(Verdict::finding(
        format!(
            "{} stand still before an event that cannot be projected",
            parts.join(", ")
        ),
        "see them with `coding-agent projections parked`, then retry them with a version that can, or discard the events",
    ))
}

/// Complete, not serving, and for so long that going back is not likely.
async fn old(pool: &PgPool) -> Result<Verdict, sqlx::Error> {
    let old: Vec<(String, i64)> = sqlx::query_as(
        "select schema_name, coalesce(( \
             select sum(pg_total_relation_size(pg_class.oid)) from pg_class \
             where relnamespace = to_regnamespace(schema_name) and relkind = 'r'), 0)::int8 \
         from control.generation \
         where state = 'following' and schema_name is not null \
             and coalesce(served_until, level_at) < clock_timestamp() - make_interval(hours => $1) order by id",
    )
    .bind(OLD_HOURS)
    .fetch_all(pool)
    .await?;
    if old.is_empty() {
        return Ok(Verdict::fine("none takes space that could be needed"));
    }
    let parts: Vec<String> = old
        .iter()
        .map(|(schema, bytes)| format!("{schema} ({})", size(*bytes)))
        .collect();
    Ok(Verdict::finding(
        format!(
            "{} do not serve, for more than {OLD_HOURS} hours, and take space and work",
            parts.join(", ")
        ),
        "drop what is not needed to go back: `coding-agent projections drop`",
    ))
}
