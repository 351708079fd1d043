//! `pgbench`: 64 clients that insert single durable rows, which is what a store without group commit could reach.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sqlx::PgPool;
use tempfile::NamedTempFile;
use tokio::process::Command;
use tokio::time::timeout;

const CLIENTS: &str = "64";
const THREADS: &str = "2";
const PATIENCE: Duration = Duration::from_secs(30);
const DEBIAN: &str = "/usr/lib/postgresql";

/// A table and a script for it.
pub(super) struct Pgbench {
    program: PathBuf,
    database_url: String,
    script: NamedTempFile,
}

impl Pgbench {
    /// Rows as large as those that the journal holds.
    pub(super) async fn new(pool: &PgPool, database_url: &str) -> Result<Self> {
        let size: i64 = sqlx::query_scalar("select avg(pg_column_size(events))::bigint from journal.events")
            .fetch_one(pool)
            .await
            .context("the journal is empty")?;
        sqlx::query(
            "create table public.pgbench_rows (id bigint generated always as identity primary key, body jsonb not null)",
        )
        .execute(pool)
        .await?;
        let body = "x".repeat(usize::try_from(size)?);
        let script = NamedTempFile::new()?;
        std::fs::write(
            script.path(),
            format!("insert into public.pgbench_rows (body) values ('\"{body}\"');\n"),
        )?;
        Ok(Self {
            program: program()
                .await
                .context("pgbench is missing: it comes with the server of PostgreSQL")?,
            database_url: database_url.to_owned(),
            script,
        })
    }

    /// Rows a second.
    pub(super) async fn run(&self, window: Duration) -> Result<f64> {
        let seconds = window.as_secs().max(1);
        let child = Command::new(&self.program)
            .args([
                "--no-vacuum",
                "--protocol=prepared",
                "--client",
                CLIENTS,
                "--jobs",
                THREADS,
            ])
            .args(["--time", &seconds.to_string(), "--file"])
            .arg(self.script.path())
            .arg(&self.database_url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("pgbench cannot be started")?;
        let output = timeout(window + PATIENCE, child.wait_with_output())
            .await
            .context("pgbench does not end")??;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench failed: {errors}");
        let text = String::from_utf8_lossy(&output.stdout);
        rate(&text).with_context(|| format!("pgbench says nothing of its rate: {text}"))
    }
}

/// From `tps = 19012.1 (without initial connection time)`.
fn rate(text: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Where `pg_config` points, else the newest of Debian's directories, else on the PATH.
async fn program() -> Option<PathBuf> {
    let mut directories = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output().await {
        directories.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    versions.sort();
    directories.extend(versions.into_iter().rev());
    directories.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    directories
        .into_iter()
        .map(|directory| directory.join("pgbench"))
        .find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn the_rate_is_read_from_its_line() {
        let text = "number of failed transactions: 0 (0.000%)\ntps = 19012.125 (without initial connection time)\n";
        assert_eq!(rate(text), Some(19_012.125));
        assert_eq!(rate("nothing"), None);
    }
}
