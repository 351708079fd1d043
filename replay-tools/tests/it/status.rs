//! `status` against a system that catches up.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use replay_tools::status::{StatusOptions, SystemStatus};
use replay_tools::{Command, OutputFormat, ToolError, ToolOptions, run};
use serde_json::json;

fn answer(lag: i64) -> String {
    json!({
        "logKind": "postgres", "epoch": 1, "logEnd": {"0": 1_200, "1": 7},
        "generations": [
            {"schema": "read_models_1", "state": "retired", "fingerprint": "aa", "lagOffsets": 900, "lagSeconds": 5, "models": []},
            {"schema": "read_models_2", "state": "serving", "fingerprint": "bb", "lagOffsets": lag, "lagSeconds": 0.25,
             "models": [{"name": "task", "version": 1}, {"name": "message", "version": 2}]},
        ],
    })
    .to_string()
}

/// A system whose lag shrinks by one with each question and never gets below `floor`.
async fn system(lag: i64, floor: i64) -> ToolOptions {
    let lag = Arc::new(AtomicI64::new(lag));
    let ask = move || {
        let lag = lag.clone();
        async move { answer(lag.fetch_sub(1, Ordering::SeqCst).max(floor)) }
    };
    serve(Router::new().route("/api/status", get(ask))).await
}

async fn serve(router: Router) -> ToolOptions {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = ToolOptions::new(format!("http://{}", listener.local_addr().unwrap()), None);
    tokio::spawn(async move { axum::serve(listener, router).await });
    options
}

fn waiting(within: u64) -> Command {
    Command::Status(StatusOptions {
        wait_level: true,
        within,
        output: OutputFormat::Json,
    })
}

#[tokio::test]
async fn waiting_ends_when_the_followed_read_models_are_level() {
    let code = run(waiting(30), &system(3, 0).await).await.unwrap();
    assert_eq!(code, ExitCode::SUCCESS);
}

#[tokio::test]
async fn waiting_in_vain_exits_with_one() {
    let code = run(waiting(0), &system(5, 1).await).await.unwrap();
    assert_eq!(code, ExitCode::FAILURE);
}

#[tokio::test]
async fn without_waiting_a_lag_is_no_failure() {
    let command = Command::Status(StatusOptions {
        wait_level: false,
        within: 60,
        output: OutputFormat::Text,
    });
    assert_eq!(run(command, &system(5, 1).await).await.unwrap(), ExitCode::SUCCESS);
}

#[tokio::test]
async fn a_refused_token_and_a_strange_answer_are_told() {
    let refused = || async {
        (
            StatusCode::FORBIDDEN,
            r#"{"code":"auth.wrong-role","detail":"for admins"}"#,
        )
    };
    let options = serve(Router::new().route("/api/status", get(refused))).await;
    let error = run(waiting(30), &options).await.unwrap_err();
    assert!(
        matches!(&error, ToolError::NotAllowed { code, .. } if code == "auth.wrong-role"),
        "{error}"
    );
    let options = serve(Router::new().route("/api/status", get(|| async { "[]" }))).await;
    let error = run(waiting(30), &options).await.unwrap_err();
    assert!(matches!(error, ToolError::Protocol { .. }), "{error}");
}

#[test]
fn a_system_without_read_models_is_not_level() {
    let mut status: SystemStatus = serde_json::from_str(&answer(0)).unwrap();
    assert!(status.is_level());
    status.generations.truncate(1);
    assert!(!status.is_level());
}

#[test]
fn people_get_a_table() {
    let status: SystemStatus = serde_json::from_str(&answer(12)).unwrap();
    insta::assert_snapshot!(status.to_text());
}

#[test]
fn people_read_why_writes_are_stopped() {
    let mut answer: serde_json::Value = serde_json::from_str(&answer(0)).unwrap();
    answer["guard"] = json!({"stopped": {"reason": "retention.ms is wrong", "isFinal": false}, "advice": ["pin it"]});
    let told = |answer: &serde_json::Value| {
        let status: SystemStatus = serde_json::from_value(answer.clone()).unwrap();
        status.to_text()
    };
    let text = told(&answer);
    assert!(
        text.contains("\nwrites are stopped until it is mended: retention.ms is wrong\nadvice: pin it\n\n"),
        "{text}"
    );
    answer["guard"]["stopped"]["isFinal"] = json!(true);
    assert!(told(&answer).contains("writes are stopped for good: "));
    answer["guard"]["stopped"] = json!(null);
    assert!(!told(&answer).contains("stopped"));
}
