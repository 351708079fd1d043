//! The database: version, durability, schemas, space, connections, clock.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rustix::fs::statvfs;
use sqlx::PgPool;

use super::{DoctorReport, Verdict, size};

/// The oldest that is tested.
const OLDEST_VERSION: i32 = 150_000;
/// Tokens, lags and grace times are told by two clocks; farther apart they mislead.
const CLOCKS_APART: Duration = Duration::from_secs(2);
/// Less space than this is soon none.
const LOW_SPACE_BYTES: u64 = 1024 * 1024 * 1024;
/// And less than this part of the disk.
const LOW_SPACE_PART: u64 = 20;

/// All checks on the database.
pub async fn check(report: &mut DoctorReport, pool: &PgPool, wanted_connections: u32) {
    report.look("database.version", version(pool)).await;
    report.look("database.durability", durability(pool)).await;
    report.look("database.schemas", schemas(pool)).await;
    report.look("database.space", space(pool)).await;
    report
        .look("database.connections", connections(pool, wanted_connections))
        .await;
    report.look("database.clock", clock(pool)).await;
}

async fn version(pool: &PgPool) -> Result<Verdict, sqlx::Error> {
    let (number, name): (i32, String) =
        sqlx::query_as("select current_setting('server_version_num')::int4, current_setting('server_version')")
            .fetch_one(pool)
            .await?;
    Ok(if number >= OLDEST_VERSION {
        Verdict::fine(format!("PostgreSQL {name}"))
    } else {
        Verdict::finding(
            format!("PostgreSQL {name} is older than {}", OLDEST_VERSION / 10_000),
            "upgrade the server: nothing older is tested with",
        )
    })
}

async fn durability(pool: &PgPool) -> Result<Verdict, sqlx::Error> {
    let off: Vec<String> = sqlx::query_scalar(
        "select name from unnest(array['fsync', 'synchronous_commit', 'full_page_writes']) as name \
         where current_setting(name) = 'off' order by name",
    )
    .fetch_all(pool)
    .await?;
    Ok(if off.is_empty() {
        Verdict::fine("what is committed survives a crash of the server")
    } else {
        Verdict::finding(
            format!(
                "{} is off: a crash of the server may lose what was acknowledged, or more",
                off.join(", ")
            ),
            format!(
                "{}; then `select pg_reload_conf()`; look also at `alter role` and `alter database` settings",
                off.iter()
                    .map(|name| format!("alter system set {name} = on"))
                    .collect::<Vec<_>>()
                    .join("; ")
            ),
        )
    })
}

/// A schema whose migrations are numbered, and the numbers that this version knows.
async fn schemas(pool: &PgPool) -> Result<Verdict, sqlx::Error> {
    let known = [
        ("journal", event_store::journal::migrate::versions()),
        ("control", projections::migration_versions()),
    ];
    let mut missing = Vec::new();
    let mut newer = Vec::new();
    let mut upto = Vec::new();
    for (schema, versions) in known {
        let table = format!("{schema}._sqlx_migrations");
        let made: bool = sqlx::query_scalar("select to_regclass($1) is not null")
            .bind(&table)
            .fetch_one(pool)
            .await?;
        let done: Vec<i64> = if made {
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "select version from {table} where success order by version"
            )))
            .fetch_all(pool)
            .await?
        } else {
            Vec::new()
        };
        let name = |version: &i64| format!("{schema} {version}");
        missing.extend(versions.iter().filter(|version| !done.contains(version)).map(name));
        newer.extend(done.iter().filter(|version| !versions.contains(version)).map(name));
        upto.extend(done.last().map(name));
    }
    Ok(if !newer.is_empty() {
        Verdict::finding(
            format!("a newer version of this software has made {}", newer.join(", ")),
            "use that version, or one after it",
        )
    } else if !missing.is_empty() {
        Verdict::finding(
            format!("{} is missing", missing.join(", ")),
            "run `coding-agent migrate`; every role does it at its start too",
        )
    } else {
        Verdict::fine(format!("up to date ({})", upto.join(", ")))
    })
}

#[derive(sqlx::FromRow)]
struct Space {
    used: i64,
    /// Is the server on this machine, as far as it can tell?
    is_here: bool,
    directory: Option<String>,
}

/// The free space of the disk can be seen only where the server is on this machine.
async fn space(pool: &PgPool) -> Result<Verdict, sqlx::Error> {
    let space: Space = sqlx::query_as(
        "select pg_database_size(current_database()) as used, \
                coalesce(inet_server_addr() <<= '127.0.0.0/8' or inet_server_addr() = '::1', true) as is_here, \
                case when pg_has_role(current_user, 'pg_read_all_settings', 'usage') \
                     then current_setting('data_directory') end as directory",
    )
    .fetch_one(pool)
    .await?;
    let used = size(space.used);
    let directory = space.directory.filter(|_| space.is_here).map(PathBuf::from);
    let Some(disk) = directory.and_then(|directory| statvfs(&directory).ok()) else {
        return Ok(Verdict::fine(format!(
            "the database has {used}; how much is free where it is cannot be seen from here"
        )));
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let total = disk.f_blocks.saturating_mul(disk.f_frsize);
    Ok(judge_space(&used, free, total))
}

fn judge_space(used: &str, free: u64, total: u64) -> Verdict {
    let sentence = format!(
        "the database has {used}, and {} of {} are free on its disk",
        size(i64::try_from(free).unwrap_or(i64::MAX)),
        size(i64::try_from(total).unwrap_or(i64::MAX))
    );
    if free < LOW_SPACE_BYTES || free < total / LOW_SPACE_PART {
        Verdict::finding(
            sentence,
            "make room: a server without space stops taking writes; old generations are dropped with `coding-agent projections drop`",
        )
    } else {
        Verdict::fine(sentence)
    }
}

async fn connections(pool: &PgPool, wanted: u32) -> Result<Verdict, sqlx::Error> {
    let (most, reserved, used, role_most): (i32, i32, i64, i32) = sqlx::query_as(
        "select current_setting('max_connections')::int4, current_setting('superuser_reserved_connections')::int4, \
                (select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()), \
                (select rolconnlimit from pg_roles where rolname = current_user)",
    )
    .fetch_one(pool)
    .await?;
    let left = i64::from(most) - i64::from(reserved) - used;
    let sentence =
        format!("{used} of {most} connections are used, and each process may take {wanted} (postgres.max_connections)");
    Ok(if role_most >= 0 && role_most < wanted.cast_signed() {
        Verdict::finding(
            format!("this role may have {role_most} connections, and each process may take {wanted}"),
            "raise the limit with `alter role .. connection limit`, or lower postgres.max_connections",
        )
    } else if left < i64::from(wanted) {
        Verdict::finding(
            sentence,
            "raise max_connections of the server, or lower postgres.max_connections of the processes",
        )
    } else {
        Verdict::fine(sentence)
    })
}

/// By half of the round trip too far at most.
async fn clock(pool: &PgPool) -> Result<Verdict, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let (before, asked) = (platform::clock::now(), Instant::now());
    let theirs: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&mut *connection)
        .await?;
    let ours = before + asked.elapsed() / 2;
    let apart = (theirs - ours).abs().to_std().unwrap_or_default();
    let sentence = format!(
        "the clocks of the database and of this machine are {:.3} s apart",
        apart.as_secs_f64()
    );
    Ok(if apart > CLOCKS_APART {
        Verdict::finding(sentence, "let both follow a time server (chrony, systemd-timesyncd)")
    } else {
        Verdict::fine(sentence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1024 * 1024 * 1024;

    #[test]
    fn little_space_is_found_in_bytes_and_in_parts() {
        for (free, total, is_fine) in [
            (20 * GIB, 100 * GIB, true),
            (4 * GIB, 100 * GIB, false),
            (GIB - 1, 10 * GIB, false),
            (5 * GIB, 100 * GIB, true),
        ] {
            let verdict = judge_space("3 MiB", free, total);
            assert_eq!(matches!(verdict, Verdict::Fine { .. }), is_fine, "{verdict:?}");
        }
    }
}
