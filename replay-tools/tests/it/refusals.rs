//! Commands that the system says no to.

use replay_tools::ToolError;
use replay_tools::ToolOptions;
use replay_tools::import::{ImportOptions, import_history};
use serde_json::Value;

use crate::command_server::{CommandServer, Reaction};
use crate::samples::{small_history, write_lines};

#[tokio::test]
async fn refusals_are_counted_and_the_first_ten_are_shown() {
    let server = CommandServer::start(0, |seen| {
        if seen.command["command"] == "task.classify" {
            Reaction::Refuse(409, "task.already-classified")
        } else {
            Reaction::Honest
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let outcome = import_history(
        ImportOptions::of(write_lines(folder.path(), &small_history(1..16))),
        &server.options,
    )
    .await;
    let report = outcome.unwrap().report;
    assert_eq!((report.rejected, report.applied), (15, 61));
    assert_eq!(
        report.refusals.iter().map(|refusal| refusal.line).collect::<Vec<_>>(),
        (1..=10).collect::<Vec<_>>()
    );
    let text = report.to_text();
    assert!(
        text.contains("line 1: task.classify refused: task.already-classified: no: \"quoted\""),
        "{text}"
    );
}

#[tokio::test]
async fn skip_bad_keeps_refused_commands_with_their_line() {
    let server = CommandServer::start(0, |seen| {
        let number = seen.command["body"]["linesAdded"] == 2;
        if number {
            Reaction::Refuse(422, "task.too-odd")
        } else {
            Reaction::Honest
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut import = ImportOptions::of(write_lines(folder.path(), &small_history(1..4)));
    (import.skip_bad, import.rejects) = (true, Some(folder.path().join("rejects.jsonl")));
    let outcome = import_history(import, &server.options).await.unwrap();
    assert!(outcome.failure.is_none());
    let kept: Value = serde_json::from_slice(&std::fs::read(outcome.report.rejects_file.unwrap()).unwrap()).unwrap();
    assert_eq!((&kept["line"], &kept["code"]), (&2.into(), &"task.too-odd".into()));
    assert_eq!(kept["command"]["command"], "task.complete-execution");
}

#[tokio::test]
async fn a_conversation_that_began_with_another_author_counts_as_done() {
    for (status, code) in [(422, "idempotency.key-reused"), (409, "conversation.already-exists")] {
        let server = CommandServer::start(0, move |seen| {
            let start = seen.command["command"] == "conversation.start";
            if start {
                Reaction::Refuse(status, code)
            } else {
                Reaction::Honest
            }
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let path = write_lines(folder.path(), &small_history(1..4));
        let report = import_history(ImportOptions::of(path), &server.options)
            .await
            .unwrap()
            .report;
        assert_eq!((report.applied, report.repeated, report.rejected), (15, 1, 0));
    }
}

#[tokio::test]
async fn a_token_that_is_not_accepted_ends_the_import_at_once() {
    let (server, folder) = (CommandServer::honest().await, tempfile::tempdir().unwrap());
    let options = ToolOptions::new(server.options.url.clone(), Some("very-secret".to_owned()));
    let path = write_lines(folder.path(), &small_history(1..4));
    let failure = import_history(ImportOptions::of(&path), &options)
        .await
        .unwrap()
        .failure
        .unwrap();
    assert!(
        matches!(&failure, ToolError::NotAllowed { status: 401, code, .. } if code == "auth.invalid-token"),
        "{failure}"
    );
    assert!(!format!("{failure} {failure:?} {options:?}").contains("very-secret"));

    let server = CommandServer::start(0, |_| Reaction::Refuse(403, "auth.wrong-role")).await;
    let failure = import_history(ImportOptions::of(&path), &server.options)
        .await
        .unwrap()
        .failure
        .unwrap();
    assert!(
        matches!(failure, ToolError::NotAllowed { status: 403, .. }),
        "{failure}"
    );
}
