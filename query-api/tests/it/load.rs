//! How fast queries are is told to those who build generations.

use std::time::Duration;

use platform::shutdown::Shutdown;
use serde_json::json;
use uuid::Uuid;

use crate::world::World;

#[tokio::test]
async fn queries_of_what_serves_are_counted_and_told_unless_they_waited_for_a_position() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    world.task(ann, "Work", 0, None).await;
    let position = world.level().await;
    let count = "{ tasks { totalCount } }";
    for _ in 0..25 {
        world.post("user", ann, &json!({ "query": count })).await;
    }
    let waiting = json!({ "query": count, "extensions": { "after": position } });
    world.post("user", ann, &waiting).await;
    world.post("user", ann, &json!({ "query": "{ __typename }" })).await;

    let shutdown = Shutdown::new();
    let (load, pool, until) = (world.load.clone(), world.pool.clone(), shutdown.clone());
    let telling = tokio::spawn(async move { load.report(pool, until).await });
    let told = async {
        loop {
            let row: Option<(i64, f64, bool)> =
                sqlx::query_as("select queries, p99_ms, seen_at <= clock_timestamp() from control.query_load")
                    .fetch_optional(&world.pool)
                    .await
                    .unwrap();
            if let Some(row) = row {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (queries, p99, is_past) = tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
    assert_eq!((queries, is_past), (25, true));
    assert!(p99 > 0.0);
    shutdown.trigger();
    telling.await.unwrap().unwrap();
}
