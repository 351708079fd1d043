//! A server that comes and goes: every command is done exactly once, in the order of its stream.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use replay_tools::import::{ImportOptions, import_history};
use replay_tools::{ToolError, ToolOptions};

use crate::command_server::{CommandServer, Reaction};
use crate::samples::{commands_of, small_history, write_lines};

/// Imports 300 commits and checks that all 1,501 commands were done once and each stream's in order.
async fn survives(server: &CommandServer) -> replay_tools::import::ImportReport {
    let folder = tempfile::tempdir().unwrap();
    let path = write_lines(folder.path(), &small_history(1..301));
    let mut import = ImportOptions::of(&path);
    (import.concurrency, import.batch, import.give_up_after) = (2, 400, 20);
    let outcome = import_history(import, &server.options).await.unwrap();
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    assert_eq!(outcome.report.applied + outcome.report.repeated, 1_501);
    let mut expected = std::collections::HashMap::<String, Vec<String>>::new();
    for command in commands_of(&path, None) {
        let json: serde_json::Value = serde_json::from_slice(&command.json).unwrap();
        expected
            .entry(command.target.to_string())
            .or_default()
            .push(json["commandId"].as_str().unwrap().to_owned());
    }
    assert_eq!(server.by_stream(), expected);
    outcome.report
}

#[tokio::test]
async fn an_honest_server_gets_everything_once_and_in_order() {
    let server = CommandServer::honest().await;
    let report = survives(&server).await;
    assert_eq!((report.applied, report.retries), (1_501, 0));
    let again = survives(&server).await;
    assert_eq!(
        (again.applied, again.repeated),
        (0, 1_501),
        "importing again adds nothing"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_after_doing_the_work_is_survived() {
    let breaks = Arc::new(AtomicUsize::new(5));
    let server = CommandServer::start(0, move |seen| {
        let due = seen.line % 97 == 0
            && breaks
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        if due {
            Reaction::DoAndDisconnect
        } else {
            Reaction::Honest
        }
    })
    .await;
    let report = survives(&server).await;
    assert!(report.retries >= 5 && report.repeated >= 5, "{report:?}");
}

#[tokio::test]
async fn commands_that_cannot_be_taken_now_are_sent_again_in_order() {
    let outages = Arc::new(AtomicUsize::new(5));
    let out = Mutex::new(HashSet::new());
    let server = CommandServer::start(0, move |seen| {
        // Once the store is lost, every line behind in that request is turned away too.
        let mut out = out.lock().unwrap();
        let lost = seen.line % 53 == 0
            && !out.contains(&seen.request)
            && outages
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        if lost {
            out.insert(seen.request);
        }
        if out.contains(&seen.request) {
            Reaction::Refuse(503, "store.unavailable")
        } else {
            Reaction::Honest
        }
    })
    .await;
    assert!(survives(&server).await.retries >= 5);
}

#[tokio::test]
async fn answers_behind_a_command_that_was_not_taken_do_not_count() {
    let turned_away = AtomicUsize::new(1);
    let server = CommandServer::start(0, move |seen| {
        let first = seen.line == 100
            && turned_away
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        if first {
            Reaction::Refuse(503, "queue.full")
        } else {
            Reaction::Honest
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = write_lines(folder.path(), &small_history(1..301));
    let report = import_history(ImportOptions::of(path), &server.options)
        .await
        .unwrap()
        .report;
    assert_eq!(
        (report.applied + report.repeated, report.rejected, report.retries),
        (1_501, 0, 1)
    );
    assert_eq!(server.received.lock().unwrap().done.len(), 1_501);
}

#[tokio::test]
async fn a_server_that_is_still_starting_is_waited_for() {
    let server = CommandServer::start(3, |_| Reaction::Honest).await;
    assert!(survives(&server).await.retries >= 3);
}

#[tokio::test]
async fn a_request_holds_no_more_commands_than_the_batch_says() {
    let server = CommandServer::start(0, |seen| {
        if seen.line > 400 {
            Reaction::Refuse(400, "too.many")
        } else {
            Reaction::Honest
        }
    })
    .await;
    survives(&server).await;
    assert!(server.received.lock().unwrap().requests >= 4);
}

#[tokio::test]
async fn without_progress_the_import_gives_up_and_says_how_to_go_on() {
    let server = CommandServer::start(0, |seen| {
        if seen.line > 3 {
            Reaction::FallSilent
        } else {
            Reaction::Honest
        }
    })
    .await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = ToolOptions::new(format!("http://{}", listener.local_addr().unwrap()), None);
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    for (options, reason) in [(&server.options, "does not answer"), (&nobody, "refused")] {
        let mut import = ImportOptions::of(write_lines(folder.path(), &small_history(1..4)));
        (import.concurrency, import.give_up_after) = (1, 1);
        let failure = import_history(import, options).await.unwrap().failure.expect("gave up");
        assert!(matches!(failure, ToolError::GaveUp { .. }), "{failure}");
        assert!(
            failure.to_string().contains(reason) && failure.to_string().contains("again"),
            "{failure}"
        );
    }
}
