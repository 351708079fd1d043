//! Many commands at once on one stream.

use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::harness::TestApi;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_one_of_many_creations_wins() {
    let api = TestApi::start().await;
    let other = api.second_node();
    let service = Uuid::new_v4();
    let id = Uuid::new_v4();
    let attempts = (0..24).map(|number| {
        let node = if number % 2 == 0 { &api } else { &other };
        let client = node.client_as("service", service);
        async move {
            let line = json!({"command": "conversation.start", "id": id, "commandId": format!("attempt-{number}"),
                "provenance": "test:concurrency", "body": {"title": format!("Attempt {number}"), "ownerId": id}});
            client.bulk(&line.to_string()).await.remove(0)
        }
    });
    let answers = join_all(attempts).await;
    let won = answers.iter().filter(|answer| answer["status"] == json!(201)).count();
    let lost = answers
        .iter()
        .filter(|answer| answer["code"] == json!("conversation.already-exists"))
        .count();
    assert_eq!((won, lost), (1, 23), "{answers:?}");
    assert_eq!(
        api.event_types(&format!("conversation-{id}")).await,
        ["conversation.started.v1"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_through_two_nodes_get_contiguous_revisions_and_each_its_own() {
    let api = TestApi::start().await;
    let other = api.second_node();
    let user = Uuid::new_v4();
    let conversation = api.client_as("user", user).start_conversation().await;
    let path = format!("/api/conversations/{conversation}/messages");
    let sends = (0..60).map(|number| {
        let node = if number % 2 == 0 { &api } else { &other };
        node.client_as("user", user)
            .post(&path)
            .json(&json!({"content": format!("message {number}")}))
            .send()
    });
    let mut revisions = Vec::new();
    for (number, reply) in join_all(sends).await.into_iter().enumerate() {
        if reply.status == 503 {
            // Lost more races than a node fights in a row; the answer promises that nothing happened.
            assert_eq!(reply.body["outcome"], json!("not-applied"), "{reply:?}");
            continue;
        }
        assert_eq!(reply.status, 201, "message {number}: {reply:?}");
        revisions.push(reply.body["revision"].as_u64().unwrap());
    }
    revisions.sort_unstable();
    let accepted = revisions.len() as u64;
    assert_eq!(revisions, (1..=accepted).collect::<Vec<_>>());
    let events = api.events(&format!("conversation-{conversation}")).await;
    assert_eq!(events.len() as u64, accepted + 1);
    assert!(
        events
            .iter()
            .zip(0..)
            .all(|(event, revision)| event.revision == revision)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_sent_many_times_at_once_is_applied_once() {
    let api = TestApi::start().await;
    let other = api.second_node();
    let user = Uuid::new_v4();
    let conversation = api.client_as("user", user).start_conversation().await;
    let path = format!("/api/conversations/{conversation}/messages");
    let sends = (0..20).map(|number| {
        let node = if number % 2 == 0 { &api } else { &other };
        node.client_as("user", user)
            .post(&path)
            .key("once")
            .json(&json!({"content": "only once"}))
            .send()
    });
    let replies = join_all(sends).await;
    for reply in &replies {
        assert_eq!(
            (reply.status.as_u16(), &reply.body["revision"]),
            (201, &json!(1)),
            "{reply:?}"
        );
        assert_eq!(reply.body["messageId"], replies[0].body["messageId"]);
    }
    let fresh = replies
        .iter()
        .filter(|reply| reply.header("idempotency-replayed").is_empty())
        .count();
    assert_eq!(fresh, 1, "one attempt did it, the others repeat its answer");
    assert_eq!(api.event_types(&format!("conversation-{conversation}")).await.len(), 2);
}
