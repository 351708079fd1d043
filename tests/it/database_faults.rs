//! PostgreSQL restarting and crashing under load of single commands: requests fail with 503 and recover, and each command that
//! was acknowledged has happened once.

use serde_json::json;
use system_tests::journal::{self, Fold};
use system_tests::load::Load;
use system_tests::{LogKind, OwnPostgres, System};

const CLIENTS: usize = 5;
/// Commands between two faults.
const COMMANDS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn a_restarting_and_crashing_database_loses_and_doubles_nothing_when_it_is_the_log() {
    survive(LogKind::Postgresql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarting_and_crashing_database_loses_and_doubles_nothing_beside_kafka() {
    survive(LogKind::Kafka).await;
}

async fn survive(log: LogKind) {
    let mut postgres = OwnPostgres::start().await;
    let mut system = System::on(log)
        .postgres(postgres.url())
        .setting("COMMAND_API__RATE_PER_SECOND", "100000")
        .setting("COMMAND_API__RATE_BURST", "100000")
        .start()
        .await;
    let load = Load::start((0..CLIENTS).map(|_| system.client("user")));
    load.goes_on_for(COMMANDS).await;
    for crashes in [false, true, false] {
        if crashes {
            postgres.crash().await;
        } else {
            postgres.restart().await;
        }
        load.goes_on_for(COMMANDS).await;
    }
    let record = load.finish().await;
    if log == LogKind::Postgresql {
        assert!(!record.failures.is_empty(), "a log that is away is told to clients");
    }
    assert_eq!(record.unanswered, 0, "the instance itself never went away");

    system.instance(0).ready().await;
    system.wait_level().await;
    record.assert_each_done_once(system.pool()).await;
    journal::assert_in_order(system.pool()).await;
    Fold::assert_projected(system.pool()).await;
    let tasks = system
        .client("analyst")
        .graphql("{ tasks { totalCount } }", json!({}))
        .await;
    let told = record
        .acknowledged
        .iter()
        .filter(|command| command.stream.starts_with("task-"))
        .count();
    assert_eq!(tasks["tasks"]["totalCount"], json!(told));
}
