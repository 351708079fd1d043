//! When the read models cannot answer.

use query_api::QueryApiOptions;
use serde_json::json;
use uuid::Uuid;

use crate::world::World;

const COUNT: &str = "{ tasks { totalCount } }";

#[tokio::test]
async fn before_the_first_projector_the_service_is_not_ready() {
    let world = World::start_without_projector(QueryApiOptions::default()).await;
    let reply = world.post("admin", Uuid::new_v4(), &json!({ "query": COUNT })).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!(reply.body["errors"][0]["extensions"]["code"], "service.not-ready");
    assert!(reply.body.get("data").is_none());
}

#[tokio::test]
async fn without_a_database_the_answer_is_503_and_tells_nothing_of_it() {
    let world = World::start().await;
    world.level().await;
    world.pool.close().await;
    let reply = world.post("admin", Uuid::new_v4(), &json!({ "query": COUNT })).await;
    assert_eq!(reply.status, 503);
    let error = &reply.body["errors"][0];
    assert_eq!(error["extensions"]["code"], "service.unavailable");
    assert_eq!(error["message"], "the read models are not available at present");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    let options = QueryApiOptions {
        statement_timeout_ms: 200,
        ..QueryApiOptions::default()
    };
    let world = World::start_with(options).await;
    let ann = Uuid::new_v4();
    world.task(ann, "Work", 0, None).await;
    world.level().await;
    // Somebody holds the table, so that reading it waits.
    let mut holder = world.pool.begin().await.unwrap();
    let schema: String = sqlx::query_scalar("select schema_name from control.generation")
        .fetch_one(&mut *holder)
        .await
        .unwrap();
    let lock = format!("lock table {schema}.task in access exclusive mode");
    sqlx::query(sqlx::AssertSqlSafe(lock))
        .execute(&mut *holder)
        .await
        .unwrap();
    assert_eq!(world.refused("user", ann, COUNT).await, "service.timeout");
    holder.rollback().await.unwrap();
    assert_eq!(world.ask("user", ann, COUNT).await["tasks"]["totalCount"], 1);
}
