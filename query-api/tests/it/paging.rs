//! Keyset paging: no row is missed or repeated, both ways, over ties.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::World;

/// Twelve tasks in three minutes: many ties.
async fn tied_tasks(world: &World, owner: Uuid) {
    for number in 0..12 {
        world
            .task(owner, &format!("task {}", number % 4), number / 4, None)
            .await;
    }
    world.level().await;
}

fn ids(connection: &Value) -> Vec<String> {
    connection["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| edge["node"]["id"].as_str().unwrap().to_owned())
        .collect()
}

const FIELDS: &str = "{ edges { node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }";

#[tokio::test]
async fn walking_forward_and_backward_meets_every_row_once_in_the_same_order() {
    let world = World::start().await;
    let owner = Uuid::new_v4();
    tied_tasks(&world, owner).await;
    for field in ["CREATED_AT", "UPDATED_AT", "PRIORITY", "TITLE"] {
        for direction in ["ASC", "DESC"] {
            let order = format!("orderBy: {{field: {field}, direction: {direction}}}");
            let all = ids(&world
                .ask("user", owner, &format!("{{ tasks(first: 100, {order}) {FIELDS} }}"))
                .await["tasks"]);
            assert_eq!(all.len(), 12);
            let mut forward = Vec::new();
            let mut after = String::new();
            loop {
                let page = world
                    .ask(
                        "user",
                        owner,
                        &format!("{{ tasks(first: 5, {order} {after}) {FIELDS} }}"),
                    )
                    .await;
                forward.extend(ids(&page["tasks"]));
                let info = &page["tasks"]["pageInfo"];
                assert_eq!(info["hasPreviousPage"], !after.is_empty());
                if info["hasNextPage"] == false {
                    break;
                }
                after = format!("after: {}", info["endCursor"]);
            }
            assert_eq!(forward, all, "{order}");
            let mut backward = Vec::new();
            let mut before = String::new();
            loop {
                let page = world
                    .ask(
                        "user",
                        owner,
                        &format!("{{ tasks(last: 5, {order} {before}) {FIELDS} }}"),
                    )
                    .await;
                let mut rows = ids(&page["tasks"]);
                rows.append(&mut backward);
                backward = rows;
                let info = &page["tasks"]["pageInfo"];
                assert_eq!(info["hasNextPage"], !before.is_empty());
                if info["hasPreviousPage"] == false {
                    break;
                }
                before = format!("before: {}", info["startCursor"]);
            }
            assert_eq!(backward, all, "{order}");
        }
    }
}

#[tokio::test]
async fn a_page_between_two_cursors_holds_what_lies_between() {
    let world = World::start().await;
    let owner = Uuid::new_v4();
    tied_tasks(&world, owner).await;
    let all = world
        .ask("user", owner, "{ tasks(first: 12) { edges { cursor node { id } } } }")
        .await;
    let cursor = |index: usize| all["tasks"]["edges"][index]["cursor"].clone();
    let query = format!(
        "{{ tasks(first: 100, after: {}, before: {}) {FIELDS} }}",
        cursor(2),
        cursor(7)
    );
    let between = world.ask("user", owner, &query).await;
    assert_eq!(ids(&between["tasks"]), ids(&all["tasks"])[3..7]);
}

#[tokio::test]
async fn twenty_rows_are_the_default_and_nothing_is_an_empty_page() {
    let world = World::start().await;
    let owner = Uuid::new_v4();
    for number in 0..21 {
        world.task(owner, "task", number, None).await;
    }
    world.level().await;
    let data = world
        .ask(
            "user",
            owner,
            &format!("{{ tasks {FIELDS} none: tasks(first: 0) {FIELDS} }}"),
        )
        .await;
    assert_eq!(ids(&data["tasks"]).len(), 20);
    assert_eq!(ids(&data["none"]).len(), 0);
    assert_eq!(data["none"]["pageInfo"]["hasNextPage"], true);
    let nobody = world
        .ask("user", Uuid::new_v4(), &format!("{{ tasks {FIELDS} }}"))
        .await;
    assert_eq!(
        nobody["tasks"],
        json!({ "edges": [], "pageInfo": {
            "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null } })
    );
}

#[tokio::test]
async fn wrong_paging_arguments_have_codes_of_their_own() {
    let world = World::start().await;
    let owner = Uuid::new_v4();
    tied_tasks(&world, owner).await;
    let cursor = world
        .ask("user", owner, "{ tasks(first: 1) { edges { cursor } } }")
        .await["tasks"]["edges"][0]["cursor"]
        .clone();
    for (arguments, code) in [
        ("first: 101".to_owned(), "paging.page-too-large"),
        ("last: 101".to_owned(), "paging.page-too-large"),
        ("first: -1".to_owned(), "paging.page-too-large"),
        ("first: 1, last: 1".to_owned(), "paging.arguments"),
        ("after: \"nonsense\"".to_owned(), "paging.cursor-invalid"),
        ("after: \"WzFd\"".to_owned(), "paging.cursor-of-another-sort"),
        (
            format!("after: {cursor}, orderBy: {{field: TITLE}}"),
            "paging.cursor-of-another-sort",
        ),
        (
            format!("after: {cursor}, orderBy: {{field: CREATED_AT, direction: ASC}}"),
            "paging.cursor-of-another-sort",
        ),
    ] {
        let query = format!("{{ tasks({arguments}) {{ nodes {{ id }} }} }}");
        assert_eq!(world.refused("user", owner, &query).await, code, "{arguments}");
    }
    let query = format!("{{ conversations(after: {cursor}) {{ nodes {{ id }} }} }}");
    assert_eq!(
        world.refused("user", owner, &query).await,
        "paging.cursor-of-another-sort"
    );
}
