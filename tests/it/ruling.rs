//! An operator rules on harmed history, and the platform goes on.

use std::time::Duration;

use domain::StreamId;
use event_store::acceptance::Digest;
use event_store::codec::{FenceTarget, encode_fence};
use event_store::log::Log as _;
use kafka::{KafkaLog, KafkaOptions};
use reqwest::Method;
use serde_json::json;
use system_tests::{CommandLine, LogKind, System, eventually};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_mins(1);

/// Writes a record whose author saw another history. Returns its place.
async fn harm(system: &System, stream: &StreamId) -> (u32, u64) {
    let of = |name: &str| {
        let found = system
            .environment()
            .iter()
            .find(|(candidate, _)| candidate.ends_with(name));
        found.unwrap().1.clone()
    };
    let options = KafkaOptions {
        brokers: of("KAFKA__BROKERS"),
        topic: of("KAFKA__TOPIC"),
        ..KafkaOptions::default()
    };
    let log = KafkaLog::open(options).await.unwrap();
    let partition = stream.partition(log.partitions());
    let last = i64::try_from(log.end_offset(partition).await.unwrap()).unwrap() - 1;
    let target = FenceTarget::Stream(stream.clone());
    let record = encode_fence(Uuid::new_v4(), &target, last, Digest(7), "a stranger");
    (partition, log.append(partition, record).await.unwrap())
}

fn log_command(system: &System, arguments: &[String]) -> CommandLine {
    let arguments = std::iter::once("log".to_owned()).chain(arguments.iter().cloned());
    CommandLine::new(system.directory(), arguments).environment(system.environment().iter().cloned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ruling_ends_the_stop_of_a_partition() {
    let mut system = System::on(LogKind::Kafka).start().await;
    let user = system.client("user");
    let id = user
        .command(Method::POST, "/api/conversations", &json!({"title": "before"}))
        .await
        .id();
    system.wait_level().await;
    let (partition, offset) = harm(&system, &StreamId::of("conversation", id)).await;

    let path = format!("/api/conversations/{id}");
    let stopped = eventually("the node meets the record", PATIENCE, || {
        let sent = user.request(Method::PUT, &path).json(&json!({"title": "after"})).send();
        async move {
            let reply = sent.await.unwrap();
            (reply.text("code") == "log.halted").then_some(reply)
        }
    })
    .await;
    assert_eq!((stopped.status, stopped.text("outcome")), (503, "not-applied"));
    let told = format!("coding-agent log rule --partition {partition} --offset {offset}");
    assert!(system.instance(0).log().contains(&told), "the log says what to do");

    let rule = |offset: u64, further: &[&str]| {
        let mut arguments = vec![
            "rule".to_owned(),
            format!("--partition={partition}"),
            format!("--offset={offset}"),
            "--void".to_owned(),
            "--reason=a test".to_owned(),
        ];
        arguments.extend(further.iter().map(|argument| (*argument).to_owned()));
        log_command(&system, &arguments)
    };
    let elsewhere = rule(offset + 1, &["--yes"]).run().await;
    assert_eq!(elsewhere.code, Some(1));
    assert!(
        elsewhere
            .stderr
            .contains(&format!("the journal stands at offset {offset}")),
        "{elsewhere:?}"
    );
    let shown = rule(offset, &[]).run().await;
    assert!(shown.stdout.contains("by the node at \"a stranger\""), "{shown:?}");
    assert!(shown.stdout.contains("add --yes"), "{shown:?}");
    assert!(rule(offset, &["--yes"]).run().await.stdout.contains("ruled"));
    let listed = log_command(&system, &["rulings".to_owned(), "--output=json".to_owned()])
        .run()
        .await
        .json();
    let verdicts: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|ruling| &ruling["verdict"])
        .collect();
    assert_eq!(
        verdicts,
        ["stop", "void"],
        "the journaler's word, then the operator's: {listed}"
    );
    assert_eq!(
        (&listed[0]["offset"], &listed[1]["offset"]),
        (&json!(offset), &json!(offset))
    );

    system.instance(0).terminate().await;
    system.instance(0).start_again().await;
    let renamed = user
        .request(Method::PUT, &path)
        .json(&json!({"title": "after"}))
        .send()
        .await
        .unwrap();
    assert_eq!((renamed.status, renamed.revision()), (200, 1), "{renamed:?}");
    system.wait_level().await;
}
