//! One thing wrong at a time, on a real database, a real topic and this machine.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use replay_tools::doctor::{DoctorReport, Verdict, database, log, machine, read_models};
use replay_tools::history::LogSource;
use sqlx::PgPool;

use crate::history::world::{self, World};

const CONNECTIONS: u32 = 8;

/// The names of the checks that have findings, and of those that were not made.
fn wrong(report: &DoctorReport) -> (Vec<&'static str>, Vec<&'static str>) {
    let named = |wanted: fn(&Verdict) -> bool| {
        // How full the disk of the test's server is, is nothing that a test says.
        let checks = report.checks.iter().filter(|check| check.check != "database.space");
        let found = checks.filter(|check| wanted(&check.verdict));
        found.map(|check| check.check).collect()
    };
    (
        named(|verdict| matches!(verdict, Verdict::Finding { .. })),
        named(|verdict| matches!(verdict, Verdict::NotChecked { .. })),
    )
}

fn told(report: &DoctorReport, check: &str) -> (String, String) {
    let found = report.checks.iter().find(|found| found.check == check).unwrap();
    match &found.verdict {
        Verdict::Finding { sentence, remedy } => (sentence.clone(), remedy.clone()),
        Verdict::Fine { sentence } | Verdict::NotChecked { sentence } => (sentence.clone(), String::new()),
    }
}

async fn examined(pool: &PgPool, log: &LogSource) -> DoctorReport {
    let mut report = DoctorReport::default();
    database::check(&mut report, pool, CONNECTIONS).await;
    let end = log::check(&mut report, log, pool).await;
    read_models::check(&mut report, pool, end.as_ref()).await;
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_that_is_in_order_has_no_findings() {
    for world in [World::on_postgresql().await, World::on_kafka().await] {
        let report = examined(&world.copy().await, &world.log).await;
        assert_eq!(wrong(&report), (vec![], vec![]), "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_the_database_is_found_and_nothing_else() {
    let world = World::on_postgresql().await;
    let faults = [
        (
            "database.schemas",
            "control 3 is missing",
            "delete from control._sqlx_migrations where version = 3",
        ),
        (
            "database.schemas",
            "control 999",
            "insert into control._sqlx_migrations select 999, description, installed_on, success, checksum, execution_time \
             from control._sqlx_migrations where version = 1",
        ),
        (
            "read-models.serving",
            "no generation serves",
            "delete from control.serving",
        ),
        (
            "read-models.serving",
            "another version",
            "update control.generation set fingerprint = 'another'",
        ),
        (
            "read-models.lag",
            "20000 offsets behind",
            "update journal.head set position = position + 20000",
        ),
        (
            "read-models.processes",
            "1 of 1 processes",
            "insert into control.projector (generation, name, seen_at) values (1, 'host/77', now() - interval '5 minutes')",
        ),
        (
            "read-models.parked",
            "1 streams in read_models_1",
            "insert into control.parked_stream (generation, stream, partition, revision, record_offset, event_type, code, error) \
             values (1, 'task-a', 0, 3, 9, 'task.created.v1', 'projection.poison-event', 'it does not fit')",
        ),
        (
            "read-models.old-generations",
            "read_models_0 (",
            "create schema read_models_0; create table read_models_0.task (id int primary key); \
             insert into control.generation (id, schema_name, fingerprint, epoch, models, state, level_at, served_until) \
             select 0, 'read_models_0', fingerprint, epoch, models, 'following', now(), now() - interval '2 days' from control.generation",
        ),
        (
            "log.reachable",
            "journal of a log on Kafka",
            "update journal.head set log_kind = 'log'",
        ),
    ];
    for (check, part, sql) in faults {
        let report = examined(&world.copy_after(sql).await, &world.log).await;
        assert_eq!(wrong(&report), (vec![check], vec![]), "{sql}: {report:#?}");
        let (sentence, remedy) = told(&report, check);
        assert!(sentence.contains(part), "{sql}: {sentence}");
        assert!(!remedy.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_the_server_that_lose_what_was_acknowledged_are_found() {
    let world = World::on_postgresql().await;
    let pool = world.copy().await;
    let name: String = sqlx::query_scalar("select current_database()")
        .fetch_one(&pool)
        .await
        .unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "alter database {name} set synchronous_commit = off"
    )))
    .execute(&pool)
    .await
    .unwrap();
    let report = examined(&world::connect(&name).await, &world.log).await;
    assert_eq!(wrong(&report), (vec!["database.durability"], vec![]));
    assert!(
        told(&report, "database.durability")
            .0
            .starts_with("synchronous_commit is off")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_than_there_are_is_found() {
    let pool = World::on_postgresql().await.copy().await;
    let mut report = DoctorReport::default();
    database::check(&mut report, &pool, 100_000).await;
    assert_eq!(wrong(&report), (vec!["database.connections"], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_database_says_what_the_first_start_will_make() {
    let (_, empty) = world::empty_database().await;
    let report = examined(&empty, &LogSource::Journal).await;
    assert_eq!(
        wrong(&report),
        (vec!["database.schemas"], vec!["read-models.serving"]),
        "{report:#?}"
    );
    assert!(told(&report, "database.schemas").1.contains("coding-agent migrate"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_far_the_journal_is_behind_its_log_is_told() {
    let world = World::on_kafka().await;
    let pool = world.copy_after("update journal.checkpoints set next_offset = 0").await;
    let report = examined(&pool, &world.log).await;
    assert!(told(&report, "journal.lag").0.contains("records behind"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_is_free_or_somebody_elses() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let mut report = DoctorReport::default();
    machine::check(&mut report, address, &key).await;
    assert_eq!(wrong(&report), (vec!["http.listen"], vec![]));
    drop(other);
    let mut report = DoctorReport::default();
    machine::check(&mut report, address, &key).await;
    assert_eq!(wrong(&report), (vec![], vec![]), "{report:#?}");
    assert!(!key.exists(), "looking makes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_others_can_read_and_one_that_is_none_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    platform::token::SigningKey::load_or_create(&key).unwrap();
    assert!(key_is_wrong(&key).await.is_empty());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(key_is_wrong(&key).await.contains("mode 644"));
    std::fs::write(&key, "not a key").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(key_is_wrong(&key).await.contains("does not hold"));
}

async fn key_is_wrong(key: &Path) -> String {
    let mut report = DoctorReport::default();
    machine::check(&mut report, "127.0.0.1:0".parse().unwrap(), key).await;
    match wrong(&report).0[..] {
        [] => String::new(),
        _ => told(&report, "auth.signing-key").0,
    }
}
