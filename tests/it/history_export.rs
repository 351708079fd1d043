//! `coding-agent history export | import` and `grep | stats --export` on running systems, and other people's readers of Parquet.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use sqlx::Row as _;
use system_tests::{CommandLine, Finished, LogKind, System, rows, sample};
use xtask::services::python::Python;

const COMMITS: usize = 60;

async fn history(system: &System, arguments: &[&str]) -> Finished {
    let arguments = std::iter::once("history").chain(arguments.iter().copied());
    CommandLine::new(system.directory(), arguments)
        .environment(system.environment().iter().cloned())
        .run()
        .await
}

async fn answer(system: &System, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--output", "json"]).collect();
    let finished = history(system, &arguments).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

/// What streams hold, in an order that does not depend on the log.
async fn contents(system: &System) -> Vec<String> {
    let sql = "select (stream, revision, id, type, time, command, data, metadata)::text from journal.events order by stream, revision";
    let rows = sqlx::query(sql).fetch_all(system.pool()).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn full(log: LogKind) -> System {
    let system = System::on(log).start().await;
    system.import(&sample::svix(), COMMITS).await;
    system.wait_level().await;
    system
}

fn manifest(export: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(export.join("manifest.json")).unwrap()).unwrap()
}

async fn read_by_others(export: &Path) -> Value {
    let python = tokio::task::spawn_blocking(Python::fetch).await.unwrap().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/read_export.py");
    let output = tokio::process::Command::new(python.interpreter())
        .arg(script)
        .arg(export)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_read_by_duckdb_pandas_and_polars_and_answers_as_the_journal_does() {
    let system = full(LogKind::Postgresql).await;
    let export = system.directory().join("export");
    let to = export.to_str().unwrap();
    // Several files, so that readers have to put them together.
    let exported = answer(&system, &["export", "--to", to, "--segment-events", "100"]).await;
    let row = sqlx::query(
        "select jsonb_object_agg(type, count) as types,
            (select sum((data ->> 'linesAdded')::bigint)::bigint from journal.events where type = 'task.execution-completed.v1') as lines,
            (select count(distinct stream) from journal.events where type = 'task.execution-completed.v1') as streams,
            (select (extract(epoch from min(time)) * 1000000)::bigint from journal.events where type = 'task.execution-completed.v1') as first,
            (select count(*) from journal.events where type = 'task.created.v1') as created, sum(count)::bigint as events
         from (select type, count(*) from journal.events group by type) as counted",
    )
    .fetch_one(system.pool())
    .await
    .unwrap();
    let events: i64 = row.get("events");
    assert_eq!(exported["events"], json!(events), "{exported}");
    let created: i64 = row.get("created");
    let mut expected = json!({
        "types": row.get::<Value, _>("types"), "lines": row.get::<i64, _>("lines"), "streams": row.get::<i64, _>("streams"),
        "first": row.get::<i64, _>("first"), "titles": created, "joined": created,
    });
    let found = read_by_others(&export).await;
    assert_eq!(found["duckdb"], expected);
    expected["joined"] = Value::Null;
    assert_eq!(found["pandas"], expected);
    assert_eq!(found["polars"], expected);

    // Each way of asking gives the same as the journal.
    let asked: [&[&str]; 6] = [
        &["--type", "task.created"],
        &["--type", "*.message-sent", "--text", "FIX"],
        &["--stream", "conversation"],
        &["--field", "classifier=git-history", "--field", "priority=0"],
        &["--since", "2020-01-01", "--type", "task.*"],
        &["--until", "2020-01-01"],
    ];
    for flags in asked {
        let grep: Vec<&str> = ["grep"]
            .into_iter()
            .chain(flags.iter().copied())
            .chain(["--output", "json"])
            .collect();
        let of_journal = history(&system, &grep).await;
        let grep: Vec<&str> = grep.into_iter().chain(["--export", to]).collect();
        let of_export = history(&system, &grep).await;
        assert_eq!(of_export.code, of_journal.code, "{of_export:?}");
        assert_eq!(of_export.stdout, of_journal.stdout, "{flags:?}");
        let count: Vec<&str> = grep.into_iter().chain(["--count"]).collect();
        let counted: Value = serde_json::from_str(&history(&system, &count).await.stdout).unwrap();
        assert_eq!(counted["events"], json!(of_journal.stdout.lines().count()), "{flags:?}");
    }
    for by in ["type", "day", "recorded-day", "partition", "category", "actor"] {
        let of_journal = answer(&system, &["stats", "--by", by]).await;
        let of_export = answer(&system, &["stats", "--by", by, "--export", to]).await;
        assert_eq!(of_export, of_journal, "{by}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_becomes_the_history_of_an_empty_log_of_either_kind() {
    for from in LogKind::ALL {
        let source = full(from).await;
        let export = source.directory().join("export");
        let directory = export.to_str().unwrap();
        answer(&source, &["export", "--to", directory]).await;
        for to in LogKind::ALL {
            let mut target = System::on(to).instances(0).start().await;
            let imported = answer(&target, &["import", directory]).await;
            assert_eq!(imported["events"], manifest(&export)["events"], "{imported}");
            assert_eq!(contents(&target).await, contents(&source).await);
            let again = answer(&target, &["import", directory]).await;
            assert_eq!(
                (&again["commits"], &again["alreadyThere"], &again["contents"]),
                (&json!(0), &imported["events"], &imported["contents"]),
                "{again}"
            );
            // The copy goes on as the original would have, and its read models are the same.
            target.add_instance().await;
            target.wait_level().await;
            rows::assert_equal(&rows::tables(target.pool()).await, &rows::tables(source.pool()).await);
        }
        let refused = history(&full(from).await, &["import", directory]).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("import.log-not-empty"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_and_an_import_that_were_killed_go_on() {
    let system = full(LogKind::Postgresql).await;
    let whole = system.directory().join("whole");
    answer(
        &system,
        &["export", "--to", whole.to_str().unwrap(), "--segment-events", "10"],
    )
    .await;
    let killed = system.directory().join("killed");
    let arguments: [&str; 6] = [
        "history",
        "export",
        "--to",
        killed.to_str().unwrap(),
        "--segment-events",
        "10",
    ];
    let mut kills = 0;
    loop {
        let mut child = CommandLine::new(system.directory(), arguments)
            .environment(system.environment().iter().cloned())
            .spawn();
        // Each run gets a little further before it is killed.
        let before = files(&killed);
        let grown = async {
            while files(&killed) < before + 3 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        let ended = tokio::select! {
            () = grown => false,
            status = child.wait() => { assert!(status.unwrap().success()); true }
        };
        if ended {
            break;
        }
        child.kill().await.unwrap();
        kills += 1;
    }
    assert!(kills > 3, "only {kills} kills");
    // A last one that adds nothing removes what the last kill left, and all is as if nothing had happened.
    answer(
        &system,
        &["export", "--to", killed.to_str().unwrap(), "--segment-events", "10"],
    )
    .await;
    assert_eq!(manifest(&killed), manifest(&whole));
    assert_eq!(files(&killed), files(&whole));

    for log in LogKind::ALL {
        let target = System::on(log).instances(0).start().await;
        let mut child = CommandLine::new(target.directory(), ["history", "import", whole.to_str().unwrap()])
            .environment(target.environment().iter().cloned())
            .spawn();
        let begun = async {
            let sql = "select exists (select from journal.events)";
            while !sqlx::query_scalar::<_, bool>(sql)
                .fetch_one(target.pool())
                .await
                .unwrap_or(false)
            {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = begun => child.kill().await.unwrap(),
            status = child.wait() => assert!(status.unwrap().success()),
        }
        answer(&target, &["import", whole.to_str().unwrap()]).await;
        assert_eq!(contents(&target).await, contents(&system).await);
    }
}

/// How many Parquet files there are, finished or not.
fn files(directory: &Path) -> usize {
    let mut waiting: Vec<PathBuf> = vec![directory.to_owned()];
    let mut count = 0;
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "parquet" || extension == "part")
            {
                count += 1;
            }
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_is_built_from_an_export_and_the_rest_of_the_log() {
    for log in LogKind::ALL {
        let mut source = full(log).await;
        let export = source.directory().join("export");
        answer(&source, &["export", "--to", export.to_str().unwrap()]).await;
        // What comes after the export is only in the log.
        source.import(&sample::svix(), COMMITS + 10).await;
        source.wait_level().await;

        source.instance(0).kill();
        let settings = [
            ("LOG__EXPORT", export.to_str().unwrap()),
            ("HTTP__LISTEN", "127.0.0.1:0"),
        ];
        let settings = settings.map(|(name, value)| (format!("CODING_AGENT__{name}"), value.to_owned()));
        let _projector = CommandLine::new(source.directory(), ["projector"])
            .environment(source.environment().iter().cloned().chain(settings))
            .spawn();
        let projections = async |arguments: &[&str]| {
            let arguments: Vec<&str> = ["projections"].into_iter().chain(arguments.iter().copied()).collect();
            let finished = CommandLine::new(source.directory(), arguments)
                .environment(source.environment().iter().cloned())
                .run()
                .await;
            assert_eq!(finished.code, Some(0), "{finished:?}");
        };
        projections(&["rebuild", "--watch"]).await;
        projections(&["verify", "read_models_2"]).await;
        projections(&["promote", "read_models_2"]).await;
    }
}
