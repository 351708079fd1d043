//! Search over messages.

use serde_json::Value;
use uuid::Uuid;

use crate::world::World;

const HITS: &str = "{ totalCount nodes { rank highlight message { content conversation { title } } } }";

fn contents(data: &Value) -> Vec<&str> {
    data["search"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["message"]["content"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_best_message_comes_first_and_its_words_are_marked() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    world
        .conversation(
            ann,
            "Talk",
            0,
            &[
                "one retry in a long sentence about brokers and other things",
                "retry retry retrying",
                "<img src=x onerror=alert(1)> & then a retry",
                "nothing here",
            ],
        )
        .await;
    world.level().await;
    let data = world
        .ask("user", ann, &format!("{{ search(text: \"retries\") {HITS} }}"))
        .await;
    assert_eq!(data["search"]["totalCount"], 3);
    assert_eq!(contents(&data)[0], "retry retry retrying");
    let hits = data["search"]["nodes"].as_array().unwrap();
    assert_eq!(
        hits[0]["highlight"],
        "<mark>retry</mark> <mark>retry</mark> <mark>retrying</mark>"
    );
    let ranks: Vec<f64> = hits.iter().map(|hit| hit["rank"].as_f64().unwrap()).collect();
    assert!(
        ranks.is_sorted_by(|a, b| a >= b) && ranks[0] > ranks[2] && ranks[2] > 0.0,
        "{ranks:?}"
    );
    for hit in hits {
        let highlight = hit["highlight"]
            .as_str()
            .unwrap()
            .replace("<mark>", "")
            .replace("</mark>", "");
        assert!(!highlight.contains('<'), "{highlight}");
        assert_eq!(hit["message"]["conversation"]["title"], "Talk");
    }
}

#[tokio::test]
async fn words_in_other_scripts_and_operators_work() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    world
        .conversation(
            ann,
            "Talk",
            0,
            &[
                "Привет мир",
                "größere Dateien",
                "slow broker",
                "slow client",
                "emoji 🚀 launch",
            ],
        )
        .await;
    world.level().await;
    for (text, expected) in [
        ("привет", vec!["Привет мир"]),
        ("GRÖSSERE größere", vec![]),
        ("größere", vec!["größere Dateien"]),
        ("slow -client", vec!["slow broker"]),
        ("\\\"slow client\\\"", vec!["slow client"]),
        ("🚀 launch", vec!["emoji 🚀 launch"]),
        ("the", vec![]),
        ("'; drop table message; --", vec![]),
        ("((( & | ! :*", vec![]),
    ] {
        let data = world
            .ask("user", ann, &format!("{{ search(text: \"{text}\") {HITS} }}"))
            .await;
        assert_eq!(contents(&data), expected, "{text}");
    }
    assert_eq!(
        world
            .refused("user", ann, "{ search(text: \"  \") { totalCount } }")
            .await,
        "argument.invalid"
    );
    assert_eq!(
        world
            .refused("user", ann, "{ search(text: \"a\\u0000b\") { totalCount } }")
            .await,
        "argument.invalid"
    );
}

#[tokio::test]
async fn pages_of_equal_ranks_neither_miss_nor_repeat() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    for _ in 0..3 {
        world
            .conversation(ann, "Talk", 0, &["needle", "needle", "needle"])
            .await;
    }
    world.level().await;
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let query = format!(
            "{{ search(text: \"needle\", first: 2{after}) {{ nodes {{ message {{ id }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        let data = world.ask("user", ann, &query).await;
        seen.extend(
            data["search"]["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|hit| hit["message"]["id"].to_string()),
        );
        if data["search"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!(", after: {}", data["search"]["pageInfo"]["endCursor"]);
    }
    assert_eq!(seen.len(), 9);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 9);
}
