//! `history export` and `history import` on real logs.

mod following;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use event_store::acceptance::DEFAULT_WINDOW;
use event_store::journal::postgres::{LogKind, PostgresJournal};
use event_store::log_store::{Journaler, LogStore, LogStoreOptions, open_log};
use event_store::postgres::PostgresStore;
use kafka::KafkaLog;
use platform::shutdown::Shutdown;
use replay_tools::OutputFormat;
use replay_tools::history::export::{Edge, ExportError, ExportOptions, Manifest, export};
use replay_tools::history::import::{ImportTarget, import};
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::world::{EVENTS, PARTITIONS, World, append, database, renamed, started, stream, topic};

const PATIENCE: Duration = Duration::from_mins(1);

fn options(to: &Path) -> ExportOptions {
    ExportOptions {
        to: to.to_owned(),
        from: None,
        until: None,
        types: Vec::new(),
        streams: Vec::new(),
        segment_events: 5,
        output: OutputFormat::Json,
    }
}

async fn run(options: &ExportOptions, pool: &PgPool) -> Result<u64, ExportError> {
    Ok(export(options, pool, &Shutdown::new()).await?.events)
}

async fn exported(pool: &PgPool) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let to = folder.path().join("export");
    run(&options(&to), pool).await.unwrap();
    (folder, to)
}

/// What must come out equal of an import, and which events were one commit.
async fn contents(pool: &PgPool) -> (Vec<String>, Vec<String>) {
    let texts = async |sql: &str| -> Vec<String> {
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_all(pool)
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    let events = "select (stream, revision, id, type, time, command, data, metadata)::text from journal.events order by stream, revision";
    let kind: String = sqlx::query_scalar("select log_kind from journal.head")
        .fetch_one(pool)
        .await
        .unwrap();
    let commit = if kind == "log" { "\"offset\"" } else { "recorded_at" };
    let commits = format!(
        "select stream || ' ' || min(revision) || ' ' || max(revision) from journal.events group by stream, partition, {commit} order by 1"
    );
    (texts(events).await, texts(&commits).await)
}

async fn empty_postgresql(partitions: u32) -> ImportTarget {
    let (_, pool) = database().await;
    let store = Arc::new(PostgresStore::open(pool.clone(), partitions).await.unwrap());
    ImportTarget { store, pool }
}

/// With a journaler until the token is cancelled.
async fn empty_kafka() -> (ImportTarget, CancellationToken) {
    let (_, pool) = database().await;
    let log = Arc::new(KafkaLog::open(topic()).await.unwrap());
    let pin = open_log(&*log, DEFAULT_WINDOW).await.unwrap();
    let journal = PostgresJournal::open(pool.clone(), LogKind::Log, pin.log_id, pin.partitions)
        .await
        .unwrap();
    let journal = Arc::new(journal);
    let stop = CancellationToken::new();
    tokio::spawn(Journaler::new(log.clone(), journal.clone(), &pin).run(stop.clone()));
    let store = LogStore::start(log, journal, &pin, LogStoreOptions::default())
        .await
        .unwrap();
    let store = Arc::new(store);
    (ImportTarget { store, pool }, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_run_adds_what_is_new_and_the_same_log_gives_the_same_files() {
    let world = World::on_postgresql().await;
    let pool = world.copy().await;
    let (_folder, to) = exported(&pool).await;
    let first = Manifest::read(&to).unwrap();
    assert_eq!(
        (first.events, first.through.position, first.unreadable_events),
        (EVENTS, EVENTS, 0)
    );
    assert!(first.segments.len() > 3, "{first:?}");
    let rows: u64 = first
        .files()
        .filter(|file| file.table != "events")
        .map(|file| file.rows)
        .sum();
    assert_eq!(rows, EVENTS, "each event has its row in a typed table");
    let (_other_folder, other) = exported(&pool).await;
    assert_eq!(Manifest::read(&other).unwrap(), first);
    assert_eq!(run(&options(&to), &pool).await.unwrap(), 0);
    assert_eq!(Manifest::read(&to).unwrap(), first);

    // What a killed run leaves behind goes away, what is not of an export stays.
    let left = [
        to.join("events/writing.part"),
        to.join("types/task.created/000.parquet"),
    ];
    for file in &left {
        std::fs::write(file, "half of it").unwrap();
    }
    let note = to.join("events/README.txt");
    std::fs::write(&note, "ours").unwrap();
    let store = PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap();
    append(&store, &stream(1), "later", vec![renamed("x"), renamed("y")]).await;
    assert_eq!(run(&options(&to), &pool).await.unwrap(), 2);
    assert!(left.iter().all(|file| !file.exists()) && note.exists());
    let second = Manifest::read(&to).unwrap();
    assert_eq!(second.events, EVENTS + 2);
    assert_eq!(second.segments[..first.segments.len()], first.segments[..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_something_else_is_refused_with_a_code() {
    let world = World::on_postgresql().await;
    let pool = world.copy().await;
    let (folder, to) = exported(&pool).await;
    let code = async |options: &ExportOptions, pool: &PgPool| run(options, pool).await.unwrap_err().code();

    let used = folder.path().join("used");
    std::fs::create_dir(&used).unwrap();
    std::fs::write(used.join("thesis.txt"), "do not touch").unwrap();
    assert_eq!(code(&options(&used), &pool).await, "export.folder-in-use");
    let only = ExportOptions {
        types: vec!["task.*".to_owned()],
        ..options(&to)
    };
    assert_eq!(code(&only, &pool).await, "export.other-selection");
    let shorter = world
        .copy_after("update journal.head set epoch = gen_random_uuid()")
        .await;
    assert_eq!(code(&options(&to), &shorter).await, "export.other-log");
    let text = std::fs::read_to_string(to.join("manifest.json")).unwrap();
    std::fs::write(
        to.join("manifest.json"),
        text.replace("\"formatVersion\": 1", "\"formatVersion\": 2"),
    )
    .unwrap();
    assert_eq!(code(&options(&to), &pool).await, "export.newer-format");
    std::fs::write(to.join("manifest.json"), text.replace("events/0", "../events/0")).unwrap();
    assert_eq!(code(&options(&to), &pool).await, "export.damaged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_log_is_exported_and_cannot_be_imported() {
    let world = World::on_postgresql().await;
    let pool = world.copy().await;
    let folder = TempDir::new().unwrap();
    let to = folder.path().join("tasks");
    let tasks = ExportOptions {
        types: vec!["task.created".to_owned()],
        streams: vec!["task".to_owned()],
        ..options(&to)
    };
    assert_eq!(run(&tasks, &pool).await.unwrap(), 4);
    assert_eq!(
        run(&options(&to), &pool).await.unwrap(),
        0,
        "a later run needs no flags"
    );
    let manifest = Manifest::read(&to).unwrap();
    assert_eq!((manifest.through.position, manifest.files().count()), (EVENTS, 2));

    let to = folder.path().join("middle");
    let middle = ExportOptions {
        from: Some(Edge::Position(11)),
        until: Some(Edge::Position(21)),
        ..options(&to)
    };
    assert_eq!(run(&middle, &pool).await.unwrap(), 10);
    let manifest = Manifest::read(&to).unwrap();
    let (first, last) = (manifest.segments.first().unwrap(), manifest.segments.last().unwrap());
    assert_eq!((first.first_position, last.last_position), (11, 20));
    let times = ExportOptions {
        until: Some("2020-01-01".parse().unwrap()),
        ..options(&folder.path().join("nothing"))
    };
    assert_eq!(run(&times, &pool).await.unwrap(), 0);
    let target = empty_postgresql(PARTITIONS).await;
    assert_eq!(import(&to, &target).await.unwrap_err().code(), "export.partial");
    assert_eq!(
        import(&folder.path().join("none"), &target).await.unwrap_err().code(),
        "export.none"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_makes_the_same_streams_out_of_the_same_commits() {
    for world in [World::on_postgresql().await, World::on_kafka().await] {
        let pool = world.copy().await;
        let (_folder, from) = exported(&pool).await;
        let expected = contents(&pool).await;
        let (kafka, stop) = empty_kafka().await;
        for target in [empty_postgresql(PARTITIONS).await, empty_postgresql(7).await, kafka] {
            let imported = tokio::time::timeout(PATIENCE, import(&from, &target))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(contents(&target.pool).await, expected);
            let again = import(&from, &target).await.unwrap();
            assert_eq!(
                (again.commits, again.already_there, &again.contents["all"]),
                (0, imported.events, &imported.contents["all"])
            );
            // A copy of the copy is the same again.
            let (_folder, copied) = exported(&target.pool).await;
            assert_eq!(
                import(&copied, &empty_postgresql(1).await).await.unwrap().contents["all"],
                imported.contents["all"]
            );
        }
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_where_one_was_killed_and_refuses_what_is_not_its_own() {
    let world = World::on_postgresql().await;
    let pool = world.copy().await;
    let (folder, whole) = exported(&pool).await;
    let half = folder.path().join("half");
    let until = ExportOptions {
        until: Some(Edge::Position(14)),
        ..options(&half)
    };
    run(&until, &pool).await.unwrap();
    let target = empty_postgresql(PARTITIONS).await;
    import(&half, &target).await.unwrap();
    let rest = import(&whole, &target).await.unwrap();
    assert_eq!((rest.already_there, rest.events), (13, EVENTS));
    assert_eq!(contents(&target.pool).await, contents(&pool).await);
    // On PostgreSQL commits come in their order, so positions are equal too.
    let positions = "select string_agg(id::text, ' ' order by position) from journal.events";
    let order = async |pool| {
        sqlx::query_scalar::<_, String>(positions)
            .fetch_one(pool)
            .await
            .unwrap()
    };
    assert_eq!(order(&target.pool).await, order(&pool).await);

    let error = import(&half, &target).await.unwrap_err();
    assert_eq!(
        error.code(),
        "import.log-not-empty",
        "the log has more than the export: {error}"
    );
    let other = empty_postgresql(PARTITIONS).await;
    append(&*other.store, &stream(99), "somebody", vec![started("else")]).await;
    assert_eq!(import(&whole, &other).await.unwrap_err().code(), "import.log-not-empty");
    let same_place = empty_postgresql(PARTITIONS).await;
    append(&*same_place.store, &stream(1), "somebody", vec![started("else")]).await;
    let error = import(&whole, &same_place).await.unwrap_err();
    assert_eq!(error.code(), "import.log-not-empty");
    assert!(error.to_string().contains(stream(1).as_str()), "{error}");

    let manifest = Manifest::read(&whole).unwrap();
    let file = whole.join(&manifest.segments[1].files[0].path);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let error = import(&whole, &empty_postgresql(PARTITIONS).await).await.unwrap_err();
    assert_eq!(error.code(), "export.damaged", "{error}");
}
