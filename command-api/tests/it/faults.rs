//! What clients are told when the store fails, and that nothing is done twice or half.

use std::sync::Arc;

use command_api::CommandApiOptions;
use domain::{CommandId, EventId, Role, StreamId, UserId};
use event_store::{AppendToStreamOptions, EventStore, NewEvent, StreamState};
use serde_json::json;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::harness::{TestApi, fresh_store};
pub(crate) use faulty_store::{Fault, FaultyStore};

mod faulty_store;

async fn faulty() -> (TestApi, Arc<FaultyStore>) {
    let (store, pool) = fresh_store().await;
    let store = Arc::new(FaultyStore::over(store));
    let api = TestApi::over(
        Arc::clone(&store) as Arc<dyn EventStore>,
        pool,
        CommandApiOptions::default(),
    );
    (api, store)
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_the_same_key_finds_out() {
    let (api, store) = faulty().await;
    let user = api.client("user");
    for fault in [Fault::CommitAnswerLost, Fault::CommitLost] {
        let body = json!({"title": "Perhaps"});
        store.fail_next(fault);
        let unknown = user.post("/api/conversations").json(&body).send().await;
        unknown.must_be(503, "log.outcome-unknown");
        assert_eq!(unknown.body["outcome"], json!("unknown"));
        assert_eq!(unknown.header("retry-after"), "1");
        let key = unknown.header("idempotency-key");
        let again = user.post("/api/conversations").key(key).json(&body).send().await;
        again.must_be_ok(201, 0);
        let was_applied = fault == Fault::CommitAnswerLost;
        assert_eq!(again.header("idempotency-replayed") == "true", was_applied);
        assert_eq!(api.event_types(&format!("conversation-{}", again.id())).await.len(), 1);
    }
}

#[tokio::test]
async fn a_store_that_takes_nothing_is_503_not_applied() {
    let (api, store) = faulty().await;
    let user = api.client("user");
    let id = user.start_conversation().await;
    let path = format!("/api/conversations/{id}");
    for (fault, code) in [
        (Fault::LoadUnavailable, "log.unavailable"),
        (Fault::CommitUnavailable, "log.unavailable"),
        (Fault::CommitGuarded, "log.guarded"),
    ] {
        store.fail_next(fault);
        let reply = user.post(format!("{path}/archive")).send().await;
        reply.must_be(503, code);
        assert_eq!(reply.body["outcome"], json!("not-applied"));
        assert!(
            !reply.body.to_string().contains("secret"),
            "the store's words stay inside: {reply:?}"
        );
    }
    assert_eq!(api.event_types(&format!("conversation-{id}")).await.len(), 1);
    user.post(format!("{path}/archive")).send().await.must_be_ok(200, 1);
}

#[tokio::test]
async fn a_refusal_is_given_only_with_its_proof() {
    let (api, store) = faulty().await;
    let user = api.client("user");
    let path = format!("/api/conversations/{}/reopen", user.start_conversation().await);
    store.fail_next(Fault::ConfirmUnavailable);
    let unproven = user.post(&path).send().await;
    unproven.must_be(503, "log.unavailable");
    assert_eq!(unproven.body["outcome"], json!("not-applied"));
    user.post(&path).send().await.must_be(409, "conversation.not-archived");
}

#[tokio::test]
async fn a_refusal_on_an_old_state_is_decided_again() {
    let api = TestApi::start().await;
    let other = api.second_node();
    let user = Uuid::new_v4();
    let (here, there) = (api.client_as("user", user), other.client_as("user", user));
    let path = format!("/api/conversations/{}", here.start_conversation().await);
    // The second node caches the state before the archiving that it does not see.
    there
        .post(format!("{path}/reopen"))
        .send()
        .await
        .must_be(409, "conversation.not-archived");
    here.post(format!("{path}/archive")).send().await.must_be_ok(200, 1);
    there.post(format!("{path}/reopen")).send().await.must_be_ok(200, 2);
}

#[tokio::test]
async fn a_lost_race_is_decided_again_but_not_for_ever() {
    let (api, store) = faulty().await;
    let user = api.client("user");
    let path = format!("/api/conversations/{}", user.start_conversation().await);
    (0..7).for_each(|_| store.fail_next(Fault::CommitVoid));
    user.post(format!("{path}/archive")).send().await.must_be_ok(200, 1);
    (0..8).for_each(|_| store.fail_next(Fault::CommitVoid));
    let contended = user.post(format!("{path}/reopen")).send().await;
    contended.must_be(503, "command.contended");
    assert_eq!(contended.body["outcome"], json!("not-applied"));
}

#[tokio::test]
async fn a_batch_that_is_too_large_goes_out_in_parts() {
    let (api, store) = faulty().await;
    store.limit_commands(3);
    let service = api.client("service");
    let owner = Uuid::new_v4();
    let id = Uuid::new_v4();
    let line = |command: &str, body: serde_json::Value| {
        json!({"command": command, "id": id, "provenance": "test:large", "body": body}).to_string() + "\n"
    };
    let mut lines = line("conversation.start", json!({"title": "t", "ownerId": owner}));
    for number in 0..20 {
        lines += &line(
            "conversation.send-message",
            json!({"role": "user", "authorId": owner, "content": format!("number {number}")}),
        );
    }
    let answers = service.bulk(&lines).await;
    let revisions: Vec<_> = answers.iter().map(|answer| answer["revision"].as_u64()).collect();
    assert_eq!(revisions, (0..=20).map(Some).collect::<Vec<_>>(), "{answers:?}");

    store.limit_commands(0);
    let reply = api
        .client("user")
        .post("/api/conversations")
        .json(&json!({"title": "x"}))
        .send()
        .await;
    reply.must_be(413, "log.commit-too-large");
}

#[tokio::test]
async fn a_stream_of_a_newer_version_is_left_alone() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let id = Uuid::new_v4();
    let stream = StreamId::of("conversation", id);
    let event = NewEvent {
        id: EventId::new(Uuid::new_v4()),
        event_type: "conversation.teleported.v9".to_owned(),
        time: platform::clock::now(),
        data: RawValue::from_string("{}".to_owned()).unwrap(),
    };
    let options = AppendToStreamOptions::anonymous(StreamState::NoStream);
    api.store
        .append_to_stream(&stream, &options, vec![event])
        .await
        .unwrap();
    let reply = user.post(format!("/api/conversations/{id}/archive")).send().await;
    reply.must_be(503, "stream.written-by-newer-version");
    assert_eq!(reply.body["outcome"], json!("not-applied"));
    assert!(
        reply.body["detail"]
            .as_str()
            .unwrap()
            .contains("conversation.teleported.v9"),
        "{reply:?}"
    );
}

#[tokio::test]
async fn a_database_that_went_away_is_503() {
    let api = TestApi::start().await;
    let user = api.client("user");
    user.start_conversation().await;
    api.pool.close().await;
    let reply = user
        .post("/api/conversations")
        .json(&json!({"title": "x"}))
        .send()
        .await;
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.body["outcome"].is_string(), "{reply:?}");
}

#[tokio::test]
async fn the_stamp_of_a_command_is_in_its_events() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let reply = user
        .post("/api/conversations")
        .key("my-key")
        .json(&json!({"title": "x"}))
        .send()
        .await;
    let event = api.events(&format!("conversation-{}", reply.id())).await.remove(0);
    assert_eq!(event.metadata.command_id, CommandId::parse("my-key").unwrap());
    assert_eq!(
        (event.metadata.actor, event.metadata.role),
        (UserId::new(user.id), Role::User)
    );
    let scoped = event.metadata.scoped_command();
    assert_eq!(event.id, EventId::derived(scoped, event.stream.as_str(), 0));
    assert_ne!(event.metadata.command_hash, 0);
}
