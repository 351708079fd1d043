//! The binary as people and scripts use it: help, configuration, status, and histories with broken lines.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use system_tests::expectation::Expectation;
use system_tests::journal;
use system_tests::{CommandLine, Finished, LogKind, System, sample};
use tempfile::TempDir;

const COMMITS: usize = 20;
/// The broken line, counted from 1.
const BROKEN: usize = 13;
const PASSWORD: &str = "correct-horse-battery";

async fn run(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    CommandLine::new(directory, arguments)
        .environment(environment)
        .run()
        .await
}

#[tokio::test]
async fn help_names_every_subcommand() {
    let folder = TempDir::new().unwrap();
    let help = run(folder.path(), &["--help"], &[]).await;
    assert_eq!(help.code, Some(0), "{help:?}");
    for subcommand in [
        "up",
        "command-api",
        "query-api",
        "projector",
        "migrate",
        "config",
        "token",
        "history",
        "import",
        "status",
    ] {
        assert!(
            help.stdout.contains(&format!("\n  {subcommand} ")),
            "{subcommand} is in {}",
            help.stdout
        );
    }
    let wrong = run(folder.path(), &["fly"], &[]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

#[tokio::test]
async fn config_prints_what_would_be_used_with_secrets_hidden() {
    let folder = TempDir::new().unwrap();
    let file = format!(
        "[http]\nlisten = \"127.0.0.1:6001\"\n[log]\npartitions = 3\n[kafka.properties]\n\"sasl.password\" = \"{PASSWORD}\"\n"
    );
    fs::write(folder.path().join("a.toml"), file).unwrap();
    let url = format!("postgres://somebody:{PASSWORD}@127.0.0.1:1/nowhere");
    let environment = [
        ("CODING_AGENT__POSTGRES__URL", url.as_str()),
        ("CODING_AGENT__LOG__PARTITIONS", "5"),
    ];
    let config = run(
        folder.path(),
        &["config", "--config", "a.toml", "--set", "http.listen=127.0.0.1:6002"],
        &environment,
    )
    .await;
    assert_eq!(config.code, Some(0), "{config:?}");
    for line in [
        "listen = \"127.0.0.1:6002\"",
        "partitions = 5",
        "url = \"***\"",
        "\"sasl.password\" = \"***\"",
    ] {
        assert!(config.stdout.contains(line), "{line} is in {}", config.stdout);
    }
    assert!(!format!("{config:?}").contains(PASSWORD), "{config:?}");
}

#[tokio::test]
async fn an_unknown_key_is_an_error_that_names_it_wherever_it_comes_from() {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join("wrong.toml"),
        "[http]\nlisten = \"127.0.0.1:6001\"\ncolour = \"red\"\n",
    )
    .unwrap();
    let cases = [
        run(folder.path(), &["config", "--config", "wrong.toml"], &[]).await,
        run(folder.path(), &["config"], &[("CODING_AGENT__HTTP__COLOUR", "red")]).await,
        run(folder.path(), &["config", "--set", "http.colour=red"], &[]).await,
    ];
    for finished in cases {
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{finished:?}");
        assert!(finished.stderr.contains("colour"), "{finished:?}");
    }
    let file = run(folder.path(), &["config", "--config", "wrong.toml"], &[]).await;
    assert!(file.stderr.contains("wrong.toml"), "the file is named: {file:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_the_database_is_in_no_log_even_when_the_database_is_away() {
    let folder = TempDir::new().unwrap();
    let url = format!("postgres://somebody:{PASSWORD}@127.0.0.1:1/nowhere");
    let environment = [
        ("CODING_AGENT__POSTGRES__URL", url.as_str()),
        ("CODING_AGENT__POSTGRES__CONNECT_TIMEOUT_MS", "500"),
        ("CODING_AGENT__HTTP__LISTEN", "127.0.0.1:0"),
        ("CODING_AGENT__TELEMETRY__FILTER", "trace"),
    ];
    let away = run(folder.path(), &["up"], &environment).await;
    assert_eq!(away.code, Some(1), "{away:?}");
    assert!(away.stderr.contains("postgres.url"), "the setting is named: {away:?}");
    assert!(!format!("{away:?}").contains(PASSWORD), "{away:?}");

    let mut system = System::on(LogKind::Postgresql)
        .password(PASSWORD)
        .setting("TELEMETRY__FILTER", "trace")
        .start()
        .await;
    system.import(&sample::svix(), 3).await;
    system.wait_level().await;
    let status = system.instance(0).terminate().await;
    assert_eq!(status.code(), Some(0));
    let log = system.instance(0).log();
    assert!(
        log.contains("started") && !log.contains(PASSWORD),
        "a run with every log line shows no password"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_programs_how_far_every_read_model_is() {
    for log in LogKind::ALL {
        let system = System::on(log).start().await;
        system.import(&sample::svix(), COMMITS).await;
        let arguments = ["status", "--wait-level", "--within", "60", "--output", "json"];
        let status = system.tool(0, "admin", &arguments).run().await.json();
        assert_eq!(status["logKind"], log.as_str(), "{status}");
        let generations = status["generations"].as_array().unwrap();
        assert_eq!(generations.len(), 1, "{status}");
        assert_eq!(
            (&generations[0]["lagOffsets"], &generations[0]["state"]),
            (&json!(0), &json!("serving")),
            "{status}"
        );
        let mut models: Vec<&str> = generations[0]["models"]
            .as_array()
            .unwrap()
            .iter()
            .map(|model| model["name"].as_str().unwrap())
            .collect();
        models.sort_unstable();
        assert_eq!(
            models,
            ["activity", "conversation", "execution", "message", "statistics", "task"]
        );

        let people = system.tool(0, "admin", &["status"]).run().await;
        assert!(
            people.code == Some(0) && people.stdout.contains("GENERATION"),
            "{people:?}"
        );
        let user = system.tool(0, "user", &["status", "--output", "json"]).run().await;
        assert!(user.code == Some(1) && user.stderr.contains("403"), "{user:?}");
    }
}

/// A history whose line [`BROKEN`] is cut in two.
fn broken_history(system: &System) -> (std::path::PathBuf, Vec<String>) {
    let mut lines = sample::lines(&sample::svix());
    lines.truncate(COMMITS);
    let mut whole = lines.clone();
    whole.remove(BROKEN - 1);
    let half = lines[BROKEN - 1].len() / 2;
    lines[BROKEN - 1].truncate(half);
    (sample::write(system.directory(), "broken", &lines), whole)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_line_ends_the_import_with_its_number_and_nothing_after_it_is_sent() {
    let system = System::on(LogKind::Postgresql).start().await;
    let (history, whole) = broken_history(&system);
    let finished = system.importer(0, &history, &[]).run().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(
        finished.stderr.contains(&format!("broken.jsonl, line {BROKEN}:")),
        "{finished:?}"
    );
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    let before = Expectation::of(&whole[..BROKEN - 1]);
    assert_eq!(
        (&report["applied"], &report["commits"]),
        (&json!(before.events()), &json!(BROKEN - 1)),
        "{report}"
    );
    assert_eq!(journal::events(system.pool()).await, before.events());
}

#[tokio::test(flavor = "multi_thread")]
async fn skip_bad_goes_on_and_keeps_the_line_in_the_rejects_file() {
    let system = System::on(LogKind::Postgresql).start().await;
    let (history, whole) = broken_history(&system);
    let report = system
        .importer(0, &history, &["--skip-bad", "--rejects", "rejects.jsonl"])
        .run()
        .await
        .json();
    let expected = Expectation::of(&whole);
    assert_eq!(
        (&report["applied"], &report["rejected"]),
        (&json!(expected.events()), &json!(1)),
        "{report}"
    );
    assert_eq!(journal::events(system.pool()).await, expected.events());
    let rejects = fs::read_to_string(system.directory().join("rejects.jsonl")).unwrap();
    let reject: Value = serde_json::from_str(rejects.trim_end()).unwrap();
    assert_eq!(reject["line"], json!(BROKEN), "{reject}");
    assert!(
        reject["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("{\"repo\"")),
        "{reject}"
    );
    assert!(
        reject["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
        "{reject}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_shows_a_bar_on_a_terminal_and_takes_it_away_at_the_end() {
    let system = System::on(LogKind::Postgresql).start().await;
    let history = sample::svix();
    let total = sample::lines(&history).len();
    let path = history.to_str().unwrap();
    let import = system.tool(0, "service", &["import", "git", path]);
    let finished = import.run_on_terminal().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let screen = &finished.stderr;
    assert!(
        screen.contains(&format!("/{total} commits")) && screen.contains("ETA"),
        "{screen:?}"
    );
    // The last thing sent is the sequence that empties the line, with nothing drawn after it.
    let (_, after_last_erasure) = screen.rsplit_once("\u{1b}[2K").unwrap();
    assert!(!after_last_erasure.contains("commits"), "{screen:?}");

    let piped = import.run().await;
    assert_eq!(piped.code, Some(0), "{piped:?}");
    assert!(
        !piped.stderr.contains('\u{1b}'),
        "no escape sequences in a file: {piped:?}"
    );
}
