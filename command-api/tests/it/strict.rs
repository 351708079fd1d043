//! Negative answers that are recorded: they bind every attempt at the command.

use std::sync::Arc;

use axum::http::Method;
use command_api::CommandApiOptions;
use command_api::handling::{CommandHandler, HandlingOptions, Rejection};
use domain::conversation::{Conversation, ConversationCommand};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::handling::{rename, start, submission};
use crate::harness::{TestApi, fresh_store};

fn strict() -> HandlingOptions {
    HandlingOptions {
        strict_rejections: true,
        ..HandlingOptions::default()
    }
}

async fn api(strict_rejections: bool) -> TestApi {
    let mut options = CommandApiOptions::default();
    options.handling.strict_rejections = strict_rejections;
    TestApi::with_options(options).await
}

#[tokio::test]
async fn a_plain_refusal_binds_its_attempt_and_a_strict_one_the_command() {
    for strict in [false, true] {
        let api = api(strict).await;
        let user = api.client("user");
        let path = format!("/api/conversations/{}", user.start_conversation().await);
        let reopen = || user.post(format!("{path}/reopen")).key("reopen-once").send();
        let refused = reopen().await;
        refused.must_be(409, "conversation.not-archived");
        assert_eq!(refused.body.get("final"), strict.then_some(&json!(true)));
        user.post(format!("{path}/archive")).send().await.must_be_ok(200, 1);
        let again = reopen().await;
        if strict {
            again.must_be(409, "conversation.not-archived");
            assert_eq!(again.body["detail"], refused.body["detail"]);
            assert_eq!(again.body["final"], json!(true));
            // The command id is used up, not the wish.
            user.post(format!("{path}/reopen")).send().await.must_be_ok(200, 2);
        } else {
            again.must_be_ok(200, 2);
        }
    }
}

#[tokio::test]
async fn another_node_repeats_a_strict_answer() {
    let api = api(true).await;
    let user = Uuid::new_v4();
    let here = api.client_as("user", user);
    let path = format!("/api/conversations/{}", here.start_conversation().await);
    let stale = here
        .request(Method::PUT, &path)
        .key("stale")
        .if_match("\"7\"")
        .json(&json!({"title": "t"}))
        .send()
        .await;
    stale.must_be(412, "precondition.failed");
    assert_eq!(stale.body["final"], json!(true));
    let nothing = here
        .request(Method::PUT, &path)
        .key("same")
        .json(&json!({"title": "A talk"}))
        .send()
        .await;
    nothing.must_be_ok(200, 0);
    assert_eq!(nothing.body["final"], json!(true), "{nothing:?}");
    here.request(Method::PUT, &path)
        .json(&json!({"title": "moved"}))
        .send()
        .await
        .must_be_ok(200, 1);

    let other = api.second_node();
    let there = other.client_as("user", user);
    let stale = there
        .request(Method::PUT, &path)
        .key("stale")
        .if_match("\"7\"")
        .json(&json!({"title": "t"}))
        .send()
        .await;
    stale.must_be(412, "precondition.failed");
    assert_eq!(
        (&stale.body["currentRevision"], &stale.body["final"]),
        (&json!(0), &json!(true))
    );
    let nothing = there
        .request(Method::PUT, &path)
        .key("same")
        .json(&json!({"title": "A talk"}))
        .send()
        .await;
    nothing.must_be_ok(200, 0);
    let reused = there
        .request(Method::PUT, &path)
        .key("same")
        .json(&json!({"title": "other"}))
        .send()
        .await;
    reused.must_be(422, "idempotency.key-reused");
    let title = there
        .request(Method::PUT, &path)
        .json(&json!({"title": "last"}))
        .send()
        .await;
    title.must_be_ok(200, 2);
}

#[tokio::test]
async fn in_a_batch_of_both_what_is_taken_is_answered_and_the_rest_is_recorded() {
    let (store, pool) = fresh_store().await;
    let handler = CommandHandler::<Conversation>::new(Arc::new(store), strict());
    let id = Uuid::new_v4();
    let reopen = || submission(id, "reopen", ConversationCommand::Reopen);
    let mut tickets = Vec::new();
    let mut idle = None;
    for submission in [start(id), reopen(), rename(id, "a"), reopen(), rename(id, "a")] {
        let (ticket, stream) = handler.enqueue(submission).unwrap();
        tickets.push(ticket);
        idle = idle.or(stream);
    }
    handler.start(idle.expect("the stream was idle"));
    let mut answers = Vec::new();
    for ticket in &mut tickets {
        answers.push(ticket.answer().await);
    }
    let revisions: Vec<_> = [0, 2, 4].map(|place| answers[place].as_ref().unwrap().revision).into();
    assert_eq!(revisions, [Some(0), Some(1), Some(1)]);
    for place in [1, 3] {
        let Err(Rejection::Refused(refused)) = &answers[place] else {
            panic!("{:?}", answers[place])
        };
        assert_eq!(
            (refused.code.as_ref(), refused.is_final),
            ("conversation.not-archived", true)
        );
    }
    let recorded: Vec<(String, Value)> = sqlx::query_as("select stream, answer from journal.rejections")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(recorded.len(), 1, "one command, one answer");
    assert_eq!(recorded[0].0, format!("conversation-{id}"));
    // Stored for ever, so its shape is a promise.
    assert_eq!(
        recorded[0].1,
        json!({
            "answer": "refused", "code": "conversation.not-archived", "kind": "state",
            "message": "the conversation is not archived",
        })
    );
}
