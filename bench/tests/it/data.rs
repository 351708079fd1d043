//! A log made of copies is the log that imports would have made.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bench::data::{Histories, Replicated, Target, replicate};
use flate2::bufread::MultiGzDecoder;
use kafka::{KafkaOptions, ReadOnlyKafkaLog};
use replay_tools::history::LogSource;
use replay_tools::import::{ImportOptions, import_history};
use replay_tools::progress::Meter;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use tempfile::TempDir;
use uuid::Uuid;

use crate::world::{connect, database, empty_log, project, serve_commands, server, verify_finds_nothing};

const COMMITS: usize = 60;

/// The first commits of the sample, as lines of JSON.
fn commits() -> Vec<Value> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/svix__svix-webhooks.jsonl.gz");
    let file = BufReader::new(std::fs::File::open(sample).unwrap());
    let lines = BufReader::new(MultiGzDecoder::new(file)).lines().take(COMMITS);
    lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect()
}

fn history(directory: &TempDir, name: &str, commits: &[Value]) -> PathBuf {
    let path = directory.path().join(format!("{name}.jsonl"));
    let mut file = std::fs::File::create(&path).unwrap();
    for commit in commits {
        writeln!(file, "{commit}").unwrap();
    }
    path
}

/// The history as that of another repository, by other people.
fn of_copy(commits: &[Value], number: u32) -> Vec<Value> {
    let rename = |commit: &Value| {
        let mut commit = commit.clone();
        let repository = format!("{}-copy-{number}", commit["repo"].as_str().unwrap());
        let author: Uuid = commit["author"].as_str().unwrap().parse().unwrap();
        commit["author"] = Uuid::new_v5(&author, repository.as_bytes()).to_string().into();
        commit["repo"] = repository.into();
        commit
    };
    commits.iter().map(rename).collect()
}

async fn replicate_into(log: &Target, histories: &Histories, events: u64) -> Replicated {
    replicate(histories, events, log, &Meter::default()).await.unwrap()
}

/// Everything that does not depend on when it was written, and on what else was written at the same moment.
async fn contents(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws(' ', stream, revision, partition, index, id, type, time, command, data, metadata - 'correlationId') \
         from journal.events order by stream, revision",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn copies_are_what_imports_over_http_write() {
    let (directory, commits) = (TempDir::new().unwrap(), commits());
    let histories = Histories::read(&[history(&directory, "original", &commits)]).unwrap();
    let events = histories.events_a_round() * 2;
    let replicated = empty_log().await;
    let report = replicate_into(&replicated, &histories, events).await;
    assert_eq!((report.events, report.written, report.copies), (events, events, 2));

    let imported = empty_log().await;
    let options = serve_commands(&imported).await;
    for number in 1..=2 {
        let file = history(&directory, &format!("copy-{number}"), &of_copy(&commits, number));
        let outcome = import_history(ImportOptions::of(file), &options).await.unwrap();
        assert!(outcome.failure.is_none() && outcome.report.rejected == 0, "{outcome:?}");
    }
    let (ours, theirs) = (contents(&replicated.pool).await, contents(&imported.pool).await);
    assert_eq!(ours.len() as u64, events);
    assert_eq!(ours, theirs);
    let places: (i64, i64, i64, bool) = sqlx::query_as(
        "select min(position), max(position), count(*), bool_and(position = \"offset\") from journal.events",
    )
    .fetch_one(&replicated.pool)
    .await
    .unwrap();
    let count = i64::try_from(events).unwrap();
    assert_eq!(places, (1, count, count, true));
}

#[tokio::test]
async fn counts_multiply_and_nothing_is_wrong_with_it() {
    let (directory, commits) = (TempDir::new().unwrap(), commits());
    let histories = Histories::read(&[history(&directory, "original", &commits)]).unwrap();
    let log = empty_log().await;
    replicate_into(&log, &histories, histories.events_a_round() * 3).await;
    let schema = project(log.store.clone(), &log.pool).await;
    verify_finds_nothing(LogSource::Journal, &log.pool).await;
    let sql = format!(
        "select sum(tasks)::bigint, sum(executions)::bigint, sum(messages)::bigint, sum(lines_added)::bigint from {schema}.statistics"
    );
    let counted: (i64, i64, i64, i64) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&log.pool).await.unwrap();
    let commits_count = 3 * i64::try_from(COMMITS).unwrap();
    let added: i64 = commits
        .iter()
        .map(|commit| commit["lines_added"].as_i64().unwrap())
        .sum();
    assert_eq!(counted, (commits_count, commits_count, commits_count, 3 * added));
}

#[tokio::test]
async fn a_later_run_adds_what_is_missing_and_makes_the_same() {
    let directory = TempDir::new().unwrap();
    let histories = Histories::read(&[history(&directory, "original", &commits())]).unwrap();
    let round = histories.events_a_round();
    let (in_pieces, at_once) = (empty_log().await, empty_log().await);
    // The second one ends within a copy.
    let mut there = 0;
    for events in [round, round + 100, 6 * round + 7] {
        let report = replicate_into(&in_pieces, &histories, events).await;
        assert_eq!(report.written, events - there);
        there = events;
    }
    assert_eq!(replicate_into(&in_pieces, &histories, there).await.written, 0);
    replicate_into(&at_once, &histories, there).await;
    assert_eq!(contents(&in_pieces.pool).await, contents(&at_once.pool).await);
}

#[tokio::test]
async fn the_program_fills_a_log_on_kafka() {
    let url = database().await;
    let pool = connect(&url).await;
    let options = KafkaOptions {
        brokers: server("CODING_AGENT_TEST_KAFKA"),
        topic: format!("test-{}", Uuid::new_v4()),
        ..KafkaOptions::default()
    };
    let events = 700;
    let program = Command::new(env!("CARGO_BIN_EXE_replicate"))
        .args(["--output", "json", "--events", &events.to_string()])
        .env("CODING_AGENT__POSTGRES__URL", &url)
        .env("CODING_AGENT__LOG__KIND", "kafka")
        .env("CODING_AGENT__KAFKA__BROKERS", &options.brokers)
        .env("CODING_AGENT__KAFKA__TOPIC", &options.topic)
        .output()
        .unwrap();
    assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
    let report: Value = serde_json::from_slice(&program.stdout).unwrap();
    assert_eq!(report["written"], events);
    // The journal has them all when the program ends.
    assert_eq!(contents(&pool).await.len(), events);
    let log = ReadOnlyKafkaLog::open(options).await.unwrap();
    verify_finds_nothing(LogSource::Log(Arc::new(log)), &pool).await;
}
