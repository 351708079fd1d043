//! The position in a command's answer makes the next read show the command's effect.

use reqwest::Method;
use serde_json::json;
use system_tests::{LogKind, System};

#[tokio::test(flavor = "multi_thread")]
async fn graphql_shows_a_command_at_once_when_it_is_given_the_position_of_the_answer() {
    for log in LogKind::ALL {
        let system = System::on(log).start().await;
        let user = system.client("user");
        for number in 0..20 {
            let body = json!({"title": format!("task {number}"), "description": "to be seen", "priority": number % 10});
            let created = user.command(Method::POST, "/api/tasks", &body).await;
            assert_eq!(created.header("location"), format!("/api/tasks/{}", created.id()));
            assert_eq!(
                (created.header("etag"), created.header("position")),
                ("\"0\"", created.text("position"))
            );

            let query =
                "query($id: ID!) { task(id: $id) { title status priority revision ownerId } tasks { totalCount } }";
            let shown = user
                .graphql_after(query, json!({"id": created.id()}), Some(created.text("position")))
                .await;
            let task = json!({
                "title": body["title"], "status": "PENDING", "priority": number % 10, "revision": 0, "ownerId": user.user(),
            });
            assert_eq!(shown, json!({"task": task, "tasks": {"totalCount": number + 1}}));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_stream_shows_a_command_at_once_too() {
    for log in LogKind::ALL {
        let system = System::on(log).start().await;
        let user = system.client("user");
        let created = user
            .command(Method::POST, "/api/conversations", &json!({"title": "title 0"}))
            .await;
        let stream = format!("conversation-{}", created.id());
        for number in 1..=20 {
            let body = json!({"title": format!("title {number}")});
            let path = format!("/api/conversations/{}", created.id());
            let renamed = user.command(Method::PUT, path, &body).await;
            let query =
                "query($stream: String!) { streamHistory(stream: $stream, last: 1) { nodes { revision data } } }";
            let shown = user
                .graphql_after(query, json!({"stream": stream}), Some(renamed.text("position")))
                .await;
            let last = json!([{"revision": number, "data": {"title": body["title"]}}]);
            assert_eq!(shown["streamHistory"]["nodes"], last, "on {log:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_user_are_shown_to_that_user_and_to_readers_of_all() {
    let system = System::on(LogKind::Postgresql).start().await;
    let (owner, stranger, analyst) = (system.client("user"), system.client("user"), system.client("analyst"));
    let created = owner
        .command(
            Method::POST,
            "/api/tasks",
            &json!({"title": "mine", "description": "d"}),
        )
        .await;
    let query = "query($id: ID!) { task(id: $id) { title } tasks { totalCount } activity { totalCount } \
                 statistics { rows { tasks } } }";
    let seen = |count: u64| {
        let task = if count == 0 {
            json!(null)
        } else {
            json!({"title": "mine"})
        };
        json!({
            "task": task, "tasks": {"totalCount": count}, "activity": {"totalCount": count},
            "statistics": {"rows": [{"tasks": count}]},
        })
    };
    for (client, count) in [(&owner, 1), (&analyst, 1), (&stranger, 0)] {
        let shown = client
            .graphql_after(query, json!({"id": created.id()}), Some(created.text("position")))
            .await;
        assert_eq!(shown, seen(count));
    }
}
