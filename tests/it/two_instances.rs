//! Two processes on one database and one log are one system.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::journal::{self, Fold};
use system_tests::{Client, LogKind, Reply, System, eventually};
use tokio::task::JoinSet;
use uuid::Uuid;

const WRITERS: usize = 8;
const MESSAGES: usize = 12;
const PATIENCE: Duration = Duration::from_mins(1);

/// A user at both instances.
async fn start(log: LogKind) -> (System, [Client; 2]) {
    let system = System::on(log)
        .instances(2)
        .setting("COMMAND_API__RATE_PER_SECOND", "100000")
        .setting("COMMAND_API__RATE_BURST", "100000")
        .start()
        .await;
    let user = system.client("user");
    let clients = [user.clone(), user.at(&system.url(1))];
    (system, clients)
}

async fn conversation(client: &Client) -> (String, Uuid) {
    let id = client
        .command(Method::POST, "/api/conversations", &json!({"title": "shared"}))
        .await
        .id();
    (format!("/api/conversations/{id}"), id)
}

/// Gives a command until it is taken, as a client should: an instance that loses too many races in a row says so.
async fn persistent(client: &Client, path: &str, body: &Value) -> Reply {
    let key = Uuid::new_v4().to_string();
    eventually("a contended command is taken", PATIENCE, || {
        let sent = client.post(path).key(&key).json(body).send();
        async move {
            let reply = sent.await.unwrap();
            if reply.status == 201 {
                return Some(reply);
            }
            let told = (reply.status, reply.text("code"), reply.text("outcome"));
            assert_eq!(told, (503, "command.contended", "not-applied"), "{reply:?}");
            None
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_to_one_stream_through_both_get_contiguous_revisions() {
    for log in LogKind::ALL {
        let (system, clients) = start(log).await;
        let (path, id) = conversation(&clients[0]).await;
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (client, path) = (clients[writer % 2].clone(), format!("{path}/messages"));
            writers.spawn(async move {
                let mut revisions = Vec::new();
                for number in 0..MESSAGES {
                    let body = json!({"content": format!("{number} of {writer}")});
                    revisions.push(persistent(&client, &path, &body).await.revision());
                }
                revisions
            });
        }
        let mut told = BTreeSet::new();
        for revisions in writers.join_all().await {
            assert!(
                revisions.is_sorted(),
                "a writer's messages stay in its order: {revisions:?}"
            );
            told.extend(revisions);
        }
        let all = (WRITERS * MESSAGES) as u64;
        assert_eq!(told, (1..=all).collect(), "each message got a revision of its own");
        system.wait_level().await;
        assert_eq!(
            journal::stream(system.pool(), &format!("conversation-{id}"))
                .await
                .len() as u64,
            all + 1
        );
        journal::assert_in_order(system.pool()).await;
        Fold::assert_projected(system.pool()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expected_revision_has_one_winner_whichever_instance_is_asked() {
    for log in LogKind::ALL {
        let (system, clients) = start(log).await;
        let (path, id) = conversation(&clients[0]).await;
        for round in 0..10_u64 {
            let rename = |client: &Client, title: String| {
                client
                    .request(Method::PUT, &path)
                    .if_match(round)
                    .json(&json!({"title": title}))
                    .send()
            };
            let (left, right) = tokio::join!(
                rename(&clients[0], format!("left {round}")),
                rename(&clients[1], format!("right {round}")),
            );
            let mut replies = [left.unwrap(), right.unwrap()];
            replies.sort_by_key(|reply| reply.status);
            let [winner, loser] = &replies;
            assert_eq!((winner.status, winner.revision()), (200, round + 1), "{replies:?}");
            assert_eq!(
                (loser.status, loser.text("code")),
                (412, "precondition.failed"),
                "{replies:?}"
            );
            assert_eq!(loser.body["currentRevision"], json!(round + 1), "{loser:?}");
        }
        system.wait_level().await;
        assert_eq!(
            journal::stream(system.pool(), &format!("conversation-{id}"))
                .await
                .len(),
            11
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_repeated_through_the_other_instance_is_only_answered_again() {
    for log in LogKind::ALL {
        let (system, clients) = start(log).await;
        let key = Uuid::new_v4().to_string();
        let create = |client: &Client, title: &str| {
            let body = json!({"title": title, "description": "once"});
            client.post("/api/tasks").key(&key).json(&body).send()
        };
        let first = create(&clients[0], "a").await.unwrap();
        let again = create(&clients[1], "a").await.unwrap();
        let same = |reply: &Reply| (reply.status, reply.body["id"].clone(), reply.body["revision"].clone());
        assert_eq!((first.status, same(&first)), (201, same(&again)), "{again:?}");
        assert_eq!(
            (
                first.header("idempotency-replayed"),
                again.header("idempotency-replayed")
            ),
            ("", "true")
        );
        let other = create(&clients[1], "b").await.unwrap();
        assert_eq!(
            (other.status, other.text("code")),
            (422, "idempotency.key-reused"),
            "{other:?}"
        );

        // At once, so that neither can know of the other.
        for round in 0..10 {
            let key = format!("at-once-{round}");
            let body = json!({"title": format!("task {round}"), "description": "once"});
            let create = |client: &Client| client.post("/api/tasks").key(&key).json(&body).send();
            let (left, right) = tokio::join!(create(&clients[0]), create(&clients[1]));
            let (left, right) = (left.unwrap(), right.unwrap());
            assert_eq!((left.status, same(&left)), (201, same(&right)), "{left:?} {right:?}");
        }
        system.wait_level().await;
        assert_eq!(journal::events(system.pool()).await, 11);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_show_what_was_written_through_either_after_its_token() {
    for log in LogKind::ALL {
        let (_system, clients) = start(log).await;
        let (path, id) = conversation(&clients[0]).await;
        let mut position = String::new();
        for number in 0..10 {
            let writer = &clients[number % 2];
            let body = json!({"content": format!("message {number}")});
            let mut request = writer.post(format!("{path}/messages")).json(&body);
            if !position.is_empty() {
                request = request.header("position", &position);
            }
            let reply = request.send().await.unwrap();
            assert_eq!(reply.status, 201, "{reply:?}");
            reply.text("position").clone_into(&mut position);
            let query =
                "query($id: ID!) { conversation(id: $id) { revision messageCount messages { nodes { content } } } }";
            let mut shown: Vec<Value> = Vec::new();
            for client in &clients {
                shown.push(client.graphql_after(query, json!({"id": id}), Some(&position)).await);
            }
            assert_eq!(shown[0], shown[1]);
            assert_eq!(shown[0]["conversation"]["messageCount"], json!(number + 1));
        }
    }
}

/// How many commands the instances have handed over, and were answered.
async fn handed_over(system: &System) -> u64 {
    let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
    let mut count = 0;
    for number in 0..2 {
        let scraped = http
            .get(format!("{}/metrics", system.url(number)))
            .send()
            .await
            .unwrap();
        let text = scraped.text().await.unwrap();
        let counts = |line: &&str| line.starts_with("commands_forwarded_total{") && line.contains("\"answered\"");
        let value = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
        count += text.lines().filter(counts).map(value).sum::<u64>();
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_fight_over_a_stream_hand_commands_to_the_one_that_wins() {
    let (system, clients) = start(LogKind::Kafka).await;
    let (path, id) = conversation(&clients[0]).await;
    let mut written = 0;
    let deadline = Instant::now() + PATIENCE;
    while handed_over(&system).await == 0 {
        assert!(
            Instant::now() < deadline,
            "nothing was handed over in {written} commands"
        );
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (client, path) = (clients[writer % 2].clone(), format!("{path}/messages"));
            writers.spawn(async move {
                for number in 0..MESSAGES {
                    let body = json!({"content": format!("{number} of {writer}")});
                    persistent(&client, &path, &body).await;
                }
            });
        }
        writers.join_all().await;
        written += WRITERS * MESSAGES;
    }
    system.wait_level().await;
    let stream = journal::stream(system.pool(), &format!("conversation-{id}")).await;
    assert_eq!(stream.len(), written + 1, "each once, wherever it was decided");
}
