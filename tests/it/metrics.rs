//! What operators see at `/metrics`.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use system_tests::{LogKind, System};

const PATIENCE: Duration = Duration::from_secs(10);

/// What the log tells of each of its steps.
const STEPS: [&str; 8] = [
    "log_commits_total",
    "log_append_seconds",
    "log_read_back_seconds",
    "log_commit_age_offsets",
    "log_end_offset_reads_total",
    "log_loads_total",
    "journal_lag_offsets",
    "journal_events_total",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_number_says_what_it_means() {
    let system = System::on(LogKind::Kafka).start().await;
    let client = system.client("user");
    let started = client
        .command(Method::POST, "/api/conversations", &json!({"title": "Counted"}))
        .await;
    let reopen = format!("/api/conversations/{}/reopen", started.id());
    assert_eq!(client.post(&reopen).send().await.unwrap().status, 409);
    system.wait_level().await;
    client.graphql("{ conversations { totalCount } }", json!({})).await;

    let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
    let scraped = http.get(format!("{}/metrics", system.url(0))).send().await.unwrap();
    let text = scraped.text().await.unwrap();
    let named = |prefix: &str| -> BTreeSet<String> {
        let line = |line: &str| Some(line.strip_prefix(prefix)?.split(' ').next()?.to_owned());
        text.lines().filter_map(line).collect()
    };
    let (told, explained) = (named("# TYPE "), named("# HELP "));
    assert!(!told.is_empty(), "{text}");
    assert_eq!(told.difference(&explained).collect::<Vec<_>>(), Vec::<&String>::new());
    for step in STEPS {
        assert!(told.contains(step), "{step} is not told in:\n{text}");
    }
}
