//! A topic whose settings are changed under a running system: clients and operators are told, and the command that operators are told
//! mends it.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{LogKind, System, eventually, kafka_configs};

const PATIENCE: Duration = Duration::from_mins(1);

async fn start_conversation(system: &System) -> (u16, Value) {
    let request = system.client("user").post("/api/conversations");
    let reply = request.json(&json!({"title": "t"})).send().await.unwrap();
    (reply.status, reply.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_setting_stops_commands_until_the_command_in_the_sentence_is_run() {
    let system = System::on(LogKind::Kafka)
        .setting("KAFKA__GUARD_INTERVAL_MS", "200")
        .start()
        .await;
    let (brokers, topic) = (system.variable("KAFKA__BROKERS"), system.variable("KAFKA__TOPIC"));
    assert_eq!(start_conversation(&system).await.0, 201);

    let entity = format!("--bootstrap-server {brokers} --alter --entity-type topics --entity-name {topic}");
    kafka_configs(&format!("kafka-configs.sh {entity} --add-config retention.ms=86400000")).await;
    let refused = eventually("commands are refused", PATIENCE, || async {
        let (status, body) = start_conversation(&system).await;
        (status != 201).then_some((status, body))
    });
    let (status, body) = refused.await;
    assert_eq!((status, &body["code"]), (503, &json!("log.guarded")), "{body}");
    assert_eq!(body["outcome"], "not-applied", "{body}");
    assert!(
        !body.to_string().contains(&brokers),
        "addresses are for operators: {body}"
    );

    let told = system.tool(0, "admin", &["status"]).run().await;
    assert!(
        told.stdout.contains("writes are stopped until it is mended: topic"),
        "{told:?}"
    );
    let status = system
        .tool(0, "admin", &["status", "--output", "json"])
        .run()
        .await
        .json();
    let reason = status["guard"]["stopped"]["reason"].as_str().unwrap();
    assert!(reason.contains("has retention.ms = 86400000 but needs -1"), "{reason}");
    let (_, mend) = reason.split_once("mend it with: ").unwrap();
    kafka_configs(mend).await;
    eventually("commands are taken again", PATIENCE, || async {
        (start_conversation(&system).await.0 == 201).then_some(())
    })
    .await;
}
