//! Lines of a history that cannot be used.

use replay_tools::ToolError;
use replay_tools::import::{ImportOptions, import_history};
use serde_json::Value;

use crate::command_server::CommandServer;
use crate::samples::{small_history, write_lines};

/// Five lines of which the third is cut off and the fourth lacks a field.
fn damaged() -> Vec<String> {
    let mut lines = small_history(1..6);
    lines[2].truncate(40);
    lines[3] = lines[3].replace("\"author\"", "\"writer\"");
    lines
}

#[tokio::test]
async fn a_broken_line_stops_the_import_with_its_number_and_nothing_after_it_is_sent() {
    let (server, folder) = (CommandServer::honest().await, tempfile::tempdir().unwrap());
    let path = write_lines(folder.path(), &damaged());
    let outcome = import_history(ImportOptions::of(&path), &server.options).await.unwrap();
    let failure = outcome.failure.expect("the import failed");
    assert!(matches!(failure, ToolError::BrokenLine { line: 3, .. }), "{failure}");
    assert!(failure.to_string().contains("line 3: EOF while parsing"), "{failure}");
    assert_eq!(
        (outcome.report.commits, outcome.report.applied),
        (2, 11),
        "what was sent before stays"
    );
    assert_eq!(server.received.lock().unwrap().lines, 11);
    assert_eq!(outcome.report.error, Some(failure.to_string()));
}

#[tokio::test]
async fn skip_bad_keeps_broken_lines_with_number_and_reason_and_goes_on() {
    let (server, folder) = (CommandServer::honest().await, tempfile::tempdir().unwrap());
    let rejects = folder.path().join("rejects.jsonl");
    let mut import = ImportOptions::of(write_lines(folder.path(), &damaged()));
    (import.skip_bad, import.rejects) = (true, Some(rejects.clone()));
    let outcome = import_history(import, &server.options).await.unwrap();
    assert!(outcome.failure.is_none());
    assert_eq!((outcome.report.commits, outcome.report.rejected), (3, 2));
    assert_eq!(outcome.report.rejects_file.as_deref(), Some(rejects.as_path()));
    let kept = std::fs::read_to_string(rejects).unwrap();
    let kept: Vec<Value> = kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&kept[0]["line"], &kept[1]["line"]), (&3.into(), &4.into()));
    assert!(kept[0]["text"].as_str().unwrap().len() == 40);
    assert!(
        kept[1]["reason"].as_str().unwrap().contains("missing field `author`"),
        "{}",
        kept[1]
    );
}

#[tokio::test]
async fn a_clean_import_leaves_no_rejects_file() {
    let (server, folder) = (CommandServer::honest().await, tempfile::tempdir().unwrap());
    let rejects = folder.path().join("rejects.jsonl");
    let mut import = ImportOptions::of(write_lines(folder.path(), &small_history(1..4)));
    (import.skip_bad, import.rejects) = (true, Some(rejects.clone()));
    let outcome = import_history(import, &server.options).await.unwrap();
    assert_eq!((outcome.report.rejected, outcome.report.rejects_file), (0, None));
    assert!(!rejects.exists());
}

#[tokio::test]
async fn every_way_to_be_broken_is_told_apart() {
    let (server, folder) = (CommandServer::honest().await, tempfile::tempdir().unwrap());
    let good = &small_history(1..2)[0];
    let long = format!("{{\"pad\":\"{}\"}}", "x".repeat(5 * 1024 * 1024));
    let cases = [
        ("[]".to_owned(), "invalid"),
        ("\u{feff}{}".to_owned(), "expected value"),
        (good.replace("\"o/r\"", "\" \""), "missing field `repo`"),
        (good.replace("\"sha\":\"0", "\"sha\":\"z"), "hexadecimal"),
        (good.replace("2024-05-01T", "2024-13-01T"), "input is out of range"),
        (good.replace("\"lines_added\":1", "\"lines_added\":-1"), "invalid value"),
        (
            good.replace("\"lines_added\":1", "\"lines_added\":18446744073709551615"),
            "at most 9223372036854775807",
        ),
        (long, "longer than"),
    ];
    for (line, reason) in cases {
        let path = write_lines(folder.path(), &[String::new(), line, good.clone()]);
        let outcome = import_history(ImportOptions::of(path), &server.options).await.unwrap();
        let failure = outcome.failure.expect(reason).to_string();
        assert!(
            failure.contains("line 2") && failure.contains(reason),
            "{reason}: {failure}"
        );
    }
    assert_eq!(server.received.lock().unwrap().lines, 0);
}

#[tokio::test]
async fn a_dry_run_reads_everything_and_sends_nothing() {
    let (server, folder) = (CommandServer::honest().await, tempfile::tempdir().unwrap());
    let mut import = ImportOptions::of(write_lines(folder.path(), &small_history(1..4)));
    import.dry_run = true;
    let report = import_history(import, &server.options).await.unwrap().report;
    assert_eq!((report.commits, report.commands, report.applied), (3, 16, 0));
    assert_eq!(server.received.lock().unwrap().requests, 0);
}

#[tokio::test]
async fn a_damaged_archive_is_an_error_after_what_could_be_read() {
    let (server, folder) = (CommandServer::honest().await, tempfile::tempdir().unwrap());
    let whole = std::fs::read(crate::samples::svix()).unwrap();
    let path = folder.path().join("half.jsonl.gz");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let outcome = import_history(ImportOptions::of(path), &server.options).await.unwrap();
    assert!(matches!(outcome.failure, Some(ToolError::Unreadable { .. })));
    assert!(outcome.report.commits > 500 && outcome.report.applied == outcome.report.commands);
}
