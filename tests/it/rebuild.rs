//! Read models are rebuilt, proven, switched and switched back while commands and queries flow, and a crash in the middle costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use system_tests::load::Load;
use system_tests::{Client, CommandLine, Finished, LogKind, System, eventually, rows, sample};

const PATIENCE: Duration = Duration::from_mins(2);
const COMMITS: usize = 400;
const QUERY: &str = "{ tasks(first: 1) { totalCount } conversations(first: 5) { nodes { title } } }";

async fn projections(system: &System, arguments: &[&str]) -> Finished {
    let arguments = std::iter::once("projections").chain(arguments.iter().copied());
    CommandLine::new(system.directory(), arguments)
        .environment(system.environment().iter().cloned())
        .run()
        .await
}

async fn done(system: &System, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--output", "json"]).collect();
    let finished = projections(system, &arguments).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.json()
}

/// Asks again and again; whatever is no answer is counted.
struct Queries {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<Vec<String>>,
}

impl Queries {
    fn start(client: Client) -> Self {
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let task = tokio::spawn({
            let (stop, asked) = (stop.clone(), asked.clone());
            async move {
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let request = client.post("/graphql").json(&json!({ "query": QUERY }));
                    match request.send().await {
                        Ok(reply) if reply.status == 200 && reply.body["errors"].is_null() => {}
                        other => failures.push(format!("{other:?}")),
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                }
                failures
            }
        });
        Self { stop, asked, task }
    }

    async fn goes_on(&self) {
        let wanted = self.asked.load(Ordering::Relaxed) + 20;
        eventually("queries go on", PATIENCE, || async {
            (self.asked.load(Ordering::Relaxed) >= wanted).then_some(())
        })
        .await;
    }

    async fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        assert_eq!(self.task.await.unwrap(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_survives_a_crash_and_is_promoted_and_taken_back_without_a_failed_query() {
    for log in LogKind::ALL {
        let mut system = System::on(log).start().await;
        system.import(&sample::svix(), COMMITS).await;
        system.wait_level().await;
        let asked = done(&system, &["rebuild"]).await;
        assert_eq!(asked, json!({ "generation": "read_models_2", "state": "building" }));
        system.instance(0).kill();
        system.instance(0).start_again().await;

        let load = Load::start((0..4).map(|_| system.client("user")));
        let complete = done(&system, &["rebuild", "--watch"]).await;
        assert_ne!(complete["state"], "building", "{complete}");
        if complete["generation"] != "read_models_2" {
            // It was complete before it was watched, so this was another one.
            assert_eq!(complete["generation"], "read_models_3", "{complete}");
        }
        let verified = done(&system, &["verify", "read_models_2"]).await;
        assert_eq!(
            (&verified["equal"], &verified["different"]),
            (&json!(true), &json!(0)),
            "{verified}"
        );

        let queries = Queries::start(system.client("user"));
        queries.goes_on().await;
        let promoted = done(&system, &["promote", "read_models_2"]).await;
        assert_eq!(promoted["serving"], "read_models_2", "{promoted}");
        queries.goes_on().await;
        assert_eq!(rows::serving_schema(system.pool()).await, "read_models_2");
        let back = done(&system, &["rollback"]).await;
        assert_eq!(back["serving"], "read_models_1", "{back}");
        queries.goes_on().await;
        done(&system, &["promote", "read_models_2"]).await;
        queries.goes_on().await;
        load.goes_on_for(50).await;
        load.finish().await;
        queries.finish().await;

        let refused = projections(&system, &["drop", "read_models_1"]).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("generation.in-grace"), "{refused:?}");
        done(&system, &["drop", "read_models_1", "--grace", "0"]).await;
        let refused = projections(&system, &["rollback"]).await;
        assert!(refused.stderr.contains("generation.nothing-before"), "{refused:?}");
        system.wait_level().await;
        let listed = done(&system, &["list"]).await;
        let serving = listed
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["state"] == "serving")
            .unwrap();
        assert_eq!(
            (&serving["generation"], &serving["behind"]),
            (&json!("read_models_2"), &json!(0)),
            "{listed}"
        );
        let verified = done(&system, &["verify", "read_models_2"]).await;
        assert_eq!(verified["equal"], true, "{verified}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_not_what_the_log_says_is_found_and_named() {
    let system = System::on(LogKind::Postgresql).start().await;
    system.import(&sample::svix(), 20).await;
    system.wait_level().await;
    sqlx::raw_sql("update read_models_1.task set title = 'Not what was said' where id = (select min(id::text)::uuid from read_models_1.task)")
        .execute(system.pool())
        .await
        .unwrap();
    let found = projections(&system, &["verify", "read_models_1"]).await;
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(
        found.stdout.contains("read_models_1 differs from the log in 1 rows"),
        "{found:?}"
    );
    assert!(found.stdout.contains("Not what was said"), "{found:?}");
    let unknown = projections(&system, &["verify", "read_models_7"]).await;
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.stderr.contains("generation.unknown"), "{unknown:?}");
}
