//! Questions to generations of time travel, while the system goes on.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use projections::ProjectorOptions;
use projections::travel::{Begun, Branch, Journey, Travel, Variant, begin, models};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Reply, World};

const TITLES: &str = "{ tasks { totalCount nodes { title } } }";

async fn travel(world: &World, names: &[&str], branch: Option<Branch>) -> Travel {
    let journey = Journey {
        target: world.store.end().await.unwrap(),
        lifetime: Duration::from_hours(1),
        branch,
        extends: false,
    };
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let (epoch, options) = (world.store.epoch(), ProjectorOptions::default());
    match begin(&world.pool, epoch, models(&names).unwrap(), journey, &options)
        .await
        .unwrap()
    {
        Begun::Standing(travel) => *travel,
        Begun::Building(mut building) => {
            building.fold(&*world.store, |_, _| {}).await.unwrap();
            building.complete().await.unwrap()
        }
    }
}

async fn ask(world: &World, name: &str, role: &str, body: Value) -> Reply {
    let request = Request::post(format!("/graphql/generations/{name}"))
        .header("authorization", format!("Bearer {}", world.token(role, Uuid::new_v4())))
        .header("content-type", "application/json")
        .header("accept", "application/graphql-response+json")
        .body(Body::from(body.to_string()))
        .unwrap();
    world.send(request).await
}

fn code(reply: &Reply) -> &str {
    let graphql = reply.body["errors"][0]["extensions"]["code"].as_str();
    graphql
        .or(reply.body["code"].as_str())
        .unwrap_or_else(|| panic!("no code in {}", reply.body))
}

#[tokio::test]
async fn the_past_is_answered_while_commands_go_on() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    world.task(ann, "Before", 0, None).await;
    let position = world.level().await;
    let past = travel(&world, &[], None).await;
    for count in 1..=20 {
        world.task(ann, "After", count, None).await;
        let reply = ask(&world, &past.name, "analyst", json!({ "query": TITLES })).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        assert_eq!(
            reply.body["data"]["tasks"],
            json!({ "totalCount": 1, "nodes": [{ "title": "Before" }] })
        );
        let extensions = &reply.body["extensions"];
        assert_eq!(
            (&extensions["purpose"], &extensions["generation"]),
            (&json!("as-of"), &json!(past.generation))
        );
        assert_eq!(extensions["position"], json!(position));
        assert!(extensions["expiresAt"].is_string());
    }
    let newest = world.level().await;
    assert_eq!(
        world.ask("user", ann, TITLES).await["tasks"]["totalCount"],
        21,
        "what serves goes on"
    );

    // It does not move, so nothing is waited for.
    let later = json!({ "query": TITLES, "extensions": { "after": newest, "withinMs": 30_000 } });
    let reply = tokio::time::timeout(Duration::from_secs(10), ask(&world, &past.name, "admin", later))
        .await
        .unwrap();
    assert_eq!(code(&reply), "freshness.beyond-generation");
    let covered = json!({ "query": TITLES, "extensions": { "after": position } });
    assert_eq!(ask(&world, &past.name, "admin", covered).await.status, StatusCode::OK);

    for role in ["user", "service"] {
        let reply = ask(&world, &past.name, role, json!({ "query": TITLES })).await;
        assert_eq!(
            (reply.status, code(&reply)),
            (StatusCode::FORBIDDEN, "auth.wrong-role"),
            "{role}"
        );
    }
    for name in ["as_of_77", "read_models_1", "nobody", &"x".repeat(80)] {
        let reply = ask(&world, name, "analyst", json!({ "query": TITLES })).await;
        assert_eq!(
            (reply.status, code(&reply)),
            (StatusCode::NOT_FOUND, "generation.unknown"),
            "{name}"
        );
    }
    sqlx::query("update control.travel set expires_at = now()")
        .execute(&world.pool)
        .await
        .unwrap();
    let reply = ask(&world, &past.name, "analyst", json!({ "query": TITLES })).await;
    assert_eq!(
        (reply.status, code(&reply)),
        (StatusCode::NOT_FOUND, "generation.unknown")
    );
}

#[tokio::test]
async fn a_model_that_is_absent_fails_its_fields_and_no_others() {
    let world = World::start().await;
    world.task(Uuid::new_v4(), "Work", 0, None).await;
    world.level().await;
    let past = travel(&world, &["task"], None).await;
    let query = "{ tasks { totalCount nodes { title executions { id } } } conversations { totalCount } activity { totalCount } }";
    let reply = ask(&world, &past.name, "analyst", json!({ "query": query })).await;
    assert_eq!(
        reply.body["data"]["tasks"]["nodes"][0]["title"], "Work",
        "{}",
        reply.body
    );
    let errors = reply.body["errors"].as_array().unwrap();
    assert!(errors.len() >= 2);
    for error in errors {
        assert_eq!(error["extensions"]["code"], "generation.model-absent", "{error}");
    }
    assert_eq!(reply.body["data"]["conversations"], Value::Null);
}

#[tokio::test]
async fn a_branch_is_asked_by_its_name_and_has_no_history_in_the_journal() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    let kept = world.task(ann, "Kept", 0, None).await;
    let dropped = world.task(ann, "Dropped", 1, None).await;
    world.level().await;
    let variant = Variant {
        drop: vec![format!("stream=task-{dropped}").parse().unwrap()],
        map: None,
    };
    let name = "without-it".to_owned();
    travel(&world, &[], Some(Branch { name, variant })).await;
    let reply = ask(&world, "without-it", "analyst", json!({ "query": TITLES })).await;
    assert_eq!(
        reply.body["data"]["tasks"]["nodes"],
        json!([{ "title": "Kept" }]),
        "{}",
        reply.body
    );
    assert_eq!(reply.body["extensions"]["purpose"], "branch");
    let history = format!(r#"{{ streamHistory(stream: "task-{kept}") {{ totalCount }} }}"#);
    let reply = ask(&world, "without-it", "analyst", json!({ "query": history })).await;
    assert_eq!(code(&reply), "generation.no-history");
}
