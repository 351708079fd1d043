//! `coding-agent history tail | grep | show | lineage | stats` on running systems.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::expectation::Expectation;
use system_tests::{CommandLine, Finished, LogKind, System, journal, sample, settled};
use tokio::io::{AsyncBufReadExt as _, BufReader};

const COMMITS: usize = 40;
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

fn command(system: &System, arguments: &[&str]) -> CommandLine {
    let arguments = std::iter::once("history").chain(arguments.iter().copied());
    CommandLine::new(system.directory(), arguments).environment(system.environment().iter().cloned())
}

async fn history(system: &System, arguments: &[&str]) -> Finished {
    command(system, arguments).run().await
}

/// One JSON value a line.
async fn lines(system: &System, arguments: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--output", "json"]).collect();
    let finished = history(system, &arguments).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let lines = finished.stdout.lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn count(system: &System, arguments: &[&str]) -> u64 {
    let arguments: Vec<&str> = std::iter::once("grep")
        .chain(arguments.iter().copied())
        .chain(["--count"])
        .collect();
    lines(system, &arguments).await[0]["events"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_the_log_is_what_was_put_in() {
    for log in LogKind::ALL {
        let system = System::on(log).start().await;
        let sample = sample::svix();
        system.import(&sample, COMMITS).await;
        system.wait_level().await;
        let expected = Expectation::of(&sample::lines(&sample)[..COMMITS]);
        let commits = COMMITS as u64;

        let stats = lines(&system, &["stats"]).await.remove(0);
        let sum = |member: &str| {
            let groups = stats.as_array().unwrap().iter();
            groups.map(|group| group[member].as_i64().unwrap()).sum::<i64>()
        };
        assert_eq!(sum("events"), expected.events(), "{stats}");
        assert!(sum("bytes") > 100 * expected.events(), "{stats}");
        let by_category = lines(
            &system,
            &["stats", "--by", "category", "--type", "conversation.started"],
        )
        .await;
        assert_eq!(
            by_category[0],
            json!([{ "name": "conversation", "events": expected.conversations.len(), "streams": expected.conversations.len(),
                     "bytes": by_category[0][0]["bytes"] }])
        );

        // Each way of asking for the same.
        assert_eq!(count(&system, &["--type", "task.created"]).await, commits);
        assert_eq!(count(&system, &["--type", "task.created.v1"]).await, commits);
        assert_eq!(
            count(&system, &["--type", "*.created", "--stream", "task"]).await,
            commits
        );
        assert_eq!(
            count(&system, &["--stream", "task", "--type", "task.*"]).await,
            4 * commits
        );
        let task = expected.tasks.values().next().unwrap();
        let title = expected
            .tasks
            .values()
            .filter(|other| other.title == task.title)
            .count() as u64;
        let field = format!("title={}", task.title);
        assert_eq!(
            count(&system, &["--type", "task.created", "--field", &field]).await,
            title
        );
        let shouted = task.title.to_uppercase();
        assert!(count(&system, &["--text", &shouted]).await >= title);
        assert_eq!(
            count(&system, &["--since", "2020-01-01", "--type", "task.created"]).await,
            commits
        );
        let nothing = history(&system, &["grep", "--until", "2020-01-01"]).await;
        assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(1), ""), "{nothing:?}");
        let misspelt = history(&system, &["grep", "--since", "yesterday"]).await;
        assert!(
            misspelt.code == Some(2) && misspelt.stderr.contains("expected a day"),
            "{misspelt:?}"
        );

        let first = lines(
            &system,
            &["grep", "--type", "task.created", "--field", &field, "--limit", "1"],
        )
        .await;
        let stream = first[0]["stream"].as_str().unwrap();
        let life = lines(&system, &["show", stream]).await.remove(0);
        assert_eq!(life["steps"].as_array().unwrap().len(), 4, "{life}");
        let changes = life["steps"][0]["changes"].as_array().unwrap();
        assert!(
            changes.iter().any(|change| change["after"] == json!(task.title)),
            "{life}"
        );
        let then = lines(&system, &["show", stream, "--at", "0"]).await.remove(0);
        assert_eq!(then["steps"].as_array().unwrap().len(), 1, "{then}");
        assert_ne!(then["state"], life["state"]);
        let text = history(&system, &["show", stream]).await;
        assert!(
            text.stdout.contains("-> ") && text.stdout.contains("\nstate {"),
            "{text:?}"
        );
        let unknown = history(&system, &["show", "task-nobody"]).await;
        assert_eq!(unknown.code, Some(1), "{unknown:?}");

        let asked = first[0]["id"].as_str().unwrap();
        let tree = history(&system, &["lineage", asked]).await;
        let marked = tree
            .stdout
            .lines()
            .filter(|line| line.starts_with("* "))
            .collect::<Vec<_>>();
        assert!(marked.len() == 1 && marked[0].ends_with(asked), "{tree:?}");
        let unknown = history(&system, &["lineage", "00000000-0000-0000-0000-000000000000"]).await;
        assert_eq!(unknown.code, Some(1), "{unknown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_prints_the_newest_and_goes_on_with_those_that_come() {
    for log in LogKind::ALL {
        let system = System::on(log).start().await;
        system.import(&sample::svix(), 5).await;
        system.wait_level().await;
        let events = journal::events(system.pool()).await;
        let newest = lines(&system, &["tail", "-n", "3"]).await;
        let positions: Vec<i64> = newest.iter().map(|event| event["position"].as_i64().unwrap()).collect();
        assert_eq!(positions, [events - 2, events - 1, events]);

        let mut tail = command(
            &system,
            &[
                "tail",
                "-n",
                "1",
                "--follow",
                "--type",
                "conversation.*",
                "--output",
                "json",
            ],
        )
        .spawn();
        let mut printed = BufReader::new(tail.stdout.take().unwrap()).lines();
        let next = async || -> Value {
            let line = settled("a line of tail", PATIENCE, printed.next_line())
                .await
                .unwrap()
                .unwrap();
            serde_json::from_str(&line).unwrap()
        };
        let mut next = next;
        next().await;
        for number in 0..3 {
            let body = json!({ "title": format!("conversation {number}") });
            let id = system
                .client("user")
                .command(Method::POST, "/api/conversations", &body)
                .await
                .id();
            let event = next().await;
            assert_eq!(event["stream"], format!("conversation-{id}"), "{event}");
            assert_eq!(event["data"]["title"], body["title"], "{event}");
        }
    }
}
