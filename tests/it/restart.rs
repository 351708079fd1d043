//! A restart goes on where the last process ended: nothing is read, judged or projected again.

use system_tests::journal;
use system_tests::{LogKind, System, rows, sample};

const COMMITS: usize = 150;
const READ_MODELS: [&str; 7] = [
    "conversation",
    "message",
    "task",
    "execution",
    "activity",
    "statistics",
    "subject",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_ready_again_and_replays_nothing() {
    for log in LogKind::ALL {
        let mut system = System::on(log).start().await;
        system.import(&sample::svix(), COMMITS).await;
        system.wait_level().await;
        let before = written(&system).await;

        let status = system.instance(0).terminate().await;
        assert_eq!(status.code(), Some(0), "{status}");
        system.instance(0).start_again().await;
        system.wait_level().await;
        assert_eq!(written(&system).await, before, "no row was written again");

        let tasks = system
            .client("analyst")
            .graphql("{ tasks { totalCount } }", serde_json::json!({}))
            .await;
        assert_eq!(tasks["tasks"]["totalCount"], COMMITS);
        // It works on: the same commits, then new ones.
        system.import(&sample::svix(), COMMITS + 10).await;
        system.wait_level().await;
        assert_eq!(
            rows::count(system.pool(), "task").await,
            i64::try_from(COMMITS).unwrap() + 10
        );
        journal::assert_in_order(system.pool()).await;
    }
}

/// What the journal, its checkpoints and the serving generation physically are.
async fn written(system: &System) -> Vec<(String, String)> {
    let schema = rows::serving_schema(system.pool()).await;
    let kept = [
        "journal.events",
        "journal.checkpoints",
        "control.generation",
        // Not its checkpoints: who holds a partition is written into them at each start.
        "control.serving",
    ];
    let tables = kept
        .map(str::to_owned)
        .into_iter()
        .chain(READ_MODELS.map(|model| format!("{schema}.{model}")));
    let mut written = Vec::new();
    for table in tables {
        let state = rows::physical(system.pool(), &table).await;
        written.push((table, state));
    }
    written
}
