//! `doctor` on what does not answer, has another clock, or was changed behind its back: told in a sentence with a remedy, never as an error
//! without one.

use serde_json::Value;
use sqlx::AssertSqlSafe;
use system_tests::{CommandLine, LogKind, System, kafka_configs};

/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:1";

async fn findings(system: &System, settings: &[(&str, String)]) -> Vec<Value> {
    let settings = settings
        .iter()
        .map(|(name, value)| (format!("CODING_AGENT__{name}"), value.clone()));
    // The running instance has its port.
    let free = ("CODING_AGENT__HTTP__LISTEN".to_owned(), "127.0.0.1:0".to_owned());
    let finished = CommandLine::new(system.directory(), ["doctor", "--output", "json"])
        .environment(system.environment().iter().cloned())
        .environment([free])
        .environment(settings)
        .run()
        .await;
    let report: Value = serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{finished:?}"));
    let wrong: Vec<Value> = report["checks"]
        .as_array()
        .unwrap_or_else(|| panic!("{finished:?}"))
        .iter()
        // How full the disk of the test's server is, is nothing that a test says.
        .filter(|check| check["outcome"] == "finding" && check["check"] != "database.space")
        .cloned()
        .collect();
    let found = |check: &Value| check["outcome"] == "finding";
    let code = i32::from(report["checks"].as_array().unwrap().iter().any(found));
    assert_eq!(finished.code, Some(code), "{finished:?}");
    wrong
}

/// The only finding: its check, its sentence; it has a remedy.
fn only(findings: &[Value]) -> (String, String) {
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let text = |member: &str| findings[0][member].as_str().unwrap_or_default().to_owned();
    assert!(!text("remedy").is_empty(), "{findings:#?}");
    (text("check"), text("sentence"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_is_told_without_its_password() {
    let system = System::on(LogKind::Postgresql).start().await;
    assert_eq!(findings(&system, &[]).await, Vec::<Value>::new());
    let url = format!("postgres://postgres:hush@{NOBODY}/nothing");
    let (check, sentence) = only(&findings(&system, &[("POSTGRES__URL", url)]).await);
    assert_eq!(check, "database.reachable");
    assert!(
        sentence.contains("does not answer") && !sentence.contains("hush"),
        "{sentence}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_differs_is_told() {
    let system = System::on(LogKind::Postgresql).start().await;
    let name: String = sqlx::query_scalar("select current_database()")
        .fetch_one(system.pool())
        .await
        .unwrap();
    // A database whose clock is ten minutes behind, for sessions that begin from now on.
    let sql = format!(
        "create schema late; \
         create function late.clock_timestamp() returns timestamptz language sql as 'select pg_catalog.clock_timestamp() - interval ''10 minutes'''; \
         alter database {name} set search_path = late, pg_catalog, public"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(system.pool()).await.unwrap();
    let (check, sentence) = only(&findings(&system, &[]).await);
    assert_eq!(check, "database.clock");
    assert!(sentence.contains("600.") || sentence.contains("599."), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_does_not_answer_and_a_harmed_topic_are_told() {
    let system = System::on(LogKind::Kafka).start().await;
    // Of the one broker of a test only this can be said.
    let (check, sentence) = only(&findings(&system, &[]).await);
    assert_eq!(check, "log.topic");
    assert!(sentence.contains("has one copy"), "{sentence}");
    let found = findings(&system, &[("KAFKA__BROKERS", NOBODY.to_owned())]).await;
    let (check, sentence) = only(&found);
    assert_eq!(check, "log.brokers");
    assert!(!sentence.is_empty());

    let (brokers, topic) = (system.variable("KAFKA__BROKERS"), system.variable("KAFKA__TOPIC"));
    let entity = format!("--bootstrap-server {brokers} --alter --entity-type topics --entity-name {topic}");
    kafka_configs(&format!(
        "kafka-configs.sh {entity} --add-config cleanup.policy=compact"
    ))
    .await;
    let (check, sentence) = only(&findings(&system, &[]).await);
    assert_eq!(check, "log.topic");
    assert!(sentence.contains("cleanup.policy"), "{sentence}");
}
