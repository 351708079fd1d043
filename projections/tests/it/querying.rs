//! Clients that ask all the time, beside what a test does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use event_store::Cut;
use projections::ServingReader;
use sqlx::AssertSqlSafe;
use tokio::task::JoinSet;

use crate::administrator::tasks;
use crate::harness::{World, connect_as};

const CLIENTS: usize = 3;
/// Numbers of the tasks that are made meanwhile.
const FIRST_TASK: u128 = 100_000;
/// About as many commands a second come as a test machine takes besides.
const PAUSE: Duration = Duration::from_millis(2);

/// Each query must succeed, see tables of one cut, and nothing older than the one before.
pub(crate) struct Clients {
    ended: Arc<AtomicBool>,
    queries: Arc<AtomicU64>,
    work: JoinSet<()>,
}

impl Clients {
    /// Asks, and makes tasks, until [`Self::stop`].
    pub(crate) async fn start(world: &Arc<World>) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let queries = Arc::new(AtomicU64::new(0));
        let mut work = JoinSet::new();
        let pool = connect_as(&world.database, "clients").await;
        for _ in 0..CLIENTS {
            let reader = ServingReader::new(pool.clone(), None);
            let (ended, queries) = (ended.clone(), queries.clone());
            work.spawn(async move {
                let mut seen = (Cut::start(), 0);
                while !ended.load(Ordering::Relaxed) {
                    seen = query(&reader, seen).await;
                    queries.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let (world, requested) = (world.clone(), ended.clone());
        work.spawn(async move {
            let mut number = FIRST_TASK;
            while !requested.load(Ordering::Relaxed) {
                tasks(&world, number..number + 1).await;
                number += 1;
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { ended, queries, work }
    }

    /// Waits until so many further queries were answered.
    pub(crate) async fn some_more(&self) {
        let wanted = self.queries.load(Ordering::Relaxed) + 30;
        let answered = async {
            while self.queries.load(Ordering::Relaxed) < wanted {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(crate::harness::PATIENCE, answered)
            .await
            .expect("queries are answered");
    }

    /// Ends; fails when any query did.
    pub(crate) async fn stop(mut self) {
        self.ended.store(true, Ordering::Relaxed);
        while let Some(ended) = self.work.join_next().await {
            ended.expect("no query fails, and none sees the past");
        }
        assert!(self.queries.load(Ordering::Relaxed) > 0);
    }
}

/// What one operation of a client does: several statements in one snapshot.
async fn query(reader: &ServingReader, (seen, seen_tasks): (Cut, i64)) -> (Cut, i64) {
    let mut snapshot = reader.begin().await.expect("a snapshot");
    let schema = snapshot.schema().to_owned();
    let mut counts = Vec::new();
    for of in [
        "count(*) from {}.task",
        "count(*) from {}.subject where kind = 'task'",
        "coalesce(sum(tasks), 0)::bigint from {}.statistics",
        "count(*) from {}.activity where type = 'task.created'",
    ] {
        let sql = format!("select {}", of.replace("{}", &schema));
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(snapshot.connection())
            .await
            .expect("an answer");
        counts.push(count);
    }
    let cut = snapshot.cut().clone();
    snapshot.close().await.expect("an end");
    assert!(
        counts.iter().all(|count| *count == counts[0]),
        "tables of one cut: {counts:?} in {schema} at {cut:?}"
    );
    assert!(cut.covers(&seen) && counts[0] >= seen_tasks, "{cut:?} after {seen:?}");
    (cut, counts[0])
}
