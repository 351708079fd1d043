//! What an administrator does over HTTP, and what is recorded of it.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::world::{PATIENCE, World};

const ALL: &str = "/api/admin/projections";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generation_is_rebuilt_verified_promoted_gone_back_from_and_dropped() {
    let world = World::new().await;
    let begun = world.admin("POST", ALL, r#"{"reason": "A new column"}"#).await;
    assert_eq!(
        (begun.status, begun.json()["generation"].as_str()),
        (201, Some("read_models_2"))
    );
    world.is("read_models_2", "following").await;

    let verification = format!("{ALL}/read_models_2/verification");
    let begun = world.admin("POST", &verification, "").await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let ended = async {
        loop {
            let status = world.ask("GET", &verification, Some("analyst"), "").await.json();
            if status["state"] != "running" {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    assert_eq!(
        (&ended["state"], &ended["report"]["equal"]),
        (&json!("equal"), &json!(true)),
        "{ended}"
    );

    let promoted = world
        .admin("POST", &format!("{ALL}/read_models_2/promotion"), "{}")
        .await;
    assert_eq!(promoted.status, 200, "{promoted:?}");
    assert_eq!(promoted.json()["serving"], "read_models_2");
    let back = world
        .admin("POST", &format!("{ALL}/rollback"), r#"{"reason": "It was slower"}"#)
        .await;
    assert_eq!((back.status, &back.json()["serving"]), (200, &json!("read_models_1")));
    let early = world.admin("DELETE", &format!("{ALL}/read_models_2"), "").await;
    assert_eq!((early.status, early.code()), (409, "generation.in-grace"), "{early:?}");
    let dropped = world
        .admin("DELETE", &format!("{ALL}/read_models_2?graceSeconds=0&reason=done"), "")
        .await;
    assert_eq!(
        (dropped.status, &dropped.json()["dropped"]),
        (200, &json!("read_models_2"))
    );

    let record = world.record().await;
    let types: Vec<&str> = record
        .iter()
        .map(|(name, ..)| name.strip_prefix("administration.").unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "operation-requested.v1",
            "rebuild-begun.v1",
            "operation-requested.v1",
            "generation-promoted.v1",
            "operation-requested.v1",
            "generation-rolled-back.v1",
            "operation-requested.v1",
            "operation-failed.v1",
            "operation-requested.v1",
            "generation-dropped.v1",
        ]
    );
    let (_, requested, metadata) = &record[0];
    assert_eq!(
        (&requested["kind"], &requested["reason"]),
        (&json!("rebuild"), &json!("A new column"))
    );
    assert_eq!(
        (&metadata["actor"], &metadata["role"]),
        (&json!(Uuid::from_u128(5)), &json!("admin"))
    );
    assert_eq!(record[1].1["operation"], requested["operation"]);
    assert_eq!(record[7].1["code"], "generation.in-grace");
    // The projector passes over all of it.
    world.is("read_models_1", "serving").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_has_the_codes_of_the_command_line() {
    let world = World::new().await;
    let cases = [
        ("POST", "/read_models_9/promotion", "", 404, "generation.unknown"),
        ("POST", "/read_models_1/promotion", "", 409, "generation.serves"),
        ("POST", "/rollback", "", 409, "generation.nothing-before"),
        ("DELETE", "/read_models_1", "", 409, "generation.serves"),
        ("DELETE", "/read_models_9", "", 404, "generation.unknown"),
        ("POST", "/read_models_9/verification", "", 404, "generation.unknown"),
        ("GET", "/read_models_1/verification", "", 404, "generation.not-verified"),
        ("GET", "/read_models_9/lag", "", 404, "generation.unknown"),
        ("GET", "/parked?generation=read_models_9", "", 404, "generation.unknown"),
        (
            "POST",
            "/rollback",
            r#"{"reason": " "}"#,
            422,
            "administration.reason-blank",
        ),
        ("POST", "/rollback", r#"{"unknown": 1}"#, 400, "request.invalid-body"),
        ("POST", "/rollback", "no json", 400, "request.invalid-body"),
        (
            "POST",
            "/parked/retry",
            r#"{"stream": "task-1"}"#,
            404,
            "generation.not-parked",
        ),
        (
            "POST",
            "/parked/discard",
            r#"{"stream": "task-1"}"#,
            400,
            "request.invalid-body",
        ),
        (
            "POST",
            "/parked/discard",
            r#"{"stream": "", "reason": "x"}"#,
            400,
            "request.stream-malformed",
        ),
        (
            "POST",
            "/parked/discard",
            r#"{"stream": "task-1", "reason": ""}"#,
            422,
            "administration.reason-blank",
        ),
    ];
    for (method, path, body, status, code) in cases {
        let refused = world.admin(method, &format!("{ALL}{path}"), body).await;
        assert_eq!(
            (refused.status, refused.code()),
            (status, code),
            "{method} {path} {body}: {refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parked_streams_are_shown_tried_again_and_given_up() {
    let world = World::new().await;
    park(&world, "task-a").await;
    let listed = world
        .ask("GET", &format!("{ALL}/parked"), Some("analyst"), "")
        .await
        .json();
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["stream"]),
        (1, &json!("task-a"))
    );
    let retried = world.admin("POST", &format!("{ALL}/parked/retry"), "").await;
    assert_eq!((retried.status, retried.json()), (202, json!({ "retried": 1 })));
    // Another stream: the running projector makes the attempt at the first one at any moment, and lets it go.
    park(&world, "task-b").await;
    let given_up = world
        .admin(
            "POST",
            &format!("{ALL}/parked/discard"),
            r#"{"stream": "task-b", "reason": "A test wrote it"}"#,
        )
        .await;
    assert_eq!(
        (given_up.status, &given_up.json()[0]["revision"]),
        (200, &json!(3)),
        "{given_up:?}"
    );
    let discarded = world
        .ask("GET", &format!("{ALL}/discarded"), Some("analyst"), "")
        .await
        .json();
    assert_eq!(discarded[0]["reason"], "A test wrote it");
    let record = world.record().await;
    assert_eq!(record[1].1["streams"], 1);
    let (name, data, _) = record.last().unwrap();
    assert_eq!(name, "administration.events-discarded.v1");
    assert_eq!(
        data["events"],
        json!([{"generation": "read_models_1", "stream": "task-b", "revision": 3}])
    );
}

pub(crate) async fn park(world: &World, stream: &str) {
    sqlx::query(
        "insert into control.parked_stream (generation, stream, partition, revision, record_offset, event_type, code, error) \
         values (1, $1, 0, 3, 9, 'task.created.v1', 'projection.poison-event', 'it does not <b>fit</b>')",
    )
    .bind(stream)
    .execute(&world.pool)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_administrators_at_once_are_both_recorded() {
    let world = World::new().await;
    let path = format!("{ALL}/rollback");
    let asked = (0..6).map(|_| world.admin("POST", &path, ""));
    let answers = tokio::time::timeout(PATIENCE, futures::future::join_all(asked)).await;
    let all: Vec<u16> = answers.unwrap().iter().map(|answer| answer.status).collect();
    assert_eq!(all, [409; 6]);
    assert_eq!(world.record().await.len(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lag_is_explained() {
    let world = World::new().await;
    let report = world
        .ask("GET", &format!("{ALL}/read_models_1/lag"), Some("analyst"), "")
        .await;
    assert_eq!(
        (report.status, &report.json()["causes"]),
        (200, &json!([])),
        "{report:?}"
    );
}
