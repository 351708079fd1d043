//! Long streams are loaded from snapshots, which are a cache and nothing more.

use std::sync::Arc;
use std::time::Duration;

use command_api::handling::{CommandHandler, Effect, HandlingOptions, Surroundings};
use domain::conversation::Conversation;
use event_store::EventStore;
use event_store::snapshot::PostgresSnapshots;
use sqlx::PgPool;
use uuid::Uuid;

use crate::faults::FaultyStore;
use crate::handling::{rename, start};
use crate::harness::fresh_store;

const RENAMES: u64 = 60;
const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    store: Arc<FaultyStore>,
    pool: PgPool,
    id: Uuid,
}

impl World {
    /// A stream that is long enough for a snapshot, and no node that knows it.
    async fn new() -> Self {
        let (store, pool) = fresh_store().await;
        let world = Self {
            store: Arc::new(FaultyStore::over(store)),
            pool,
            id: Uuid::new_v4(),
        };
        let node = world.node();
        node.handle(start(world.id)).await.unwrap();
        for number in 1..=RENAMES {
            node.handle(rename(world.id, &format!("r{number}"))).await.unwrap();
        }
        world
    }

    /// A node that knows nothing yet.
    fn node(&self) -> CommandHandler<Conversation> {
        let options = HandlingOptions {
            snapshot_events: 50,
            ..HandlingOptions::default()
        };
        let store = Arc::clone(&self.store) as Arc<dyn EventStore>;
        let surroundings = Surroundings {
            snapshots: Some(Arc::new(PostgresSnapshots::new(self.pool.clone()))),
            ..Surroundings::default()
        };
        CommandHandler::within(store, surroundings, options)
    }

    /// Waits until the revision of the snapshot is this one.
    async fn snapshot_at(&self, revision: u64) {
        let wanted = i64::try_from(revision).unwrap();
        let taken = async {
            loop {
                let found: Option<i64> = sqlx::query_scalar("select revision from journal.snapshots")
                    .fetch_optional(&self.pool)
                    .await
                    .unwrap();
                if found == Some(wanted) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, taken)
            .await
            .expect("a snapshot is taken");
    }

    async fn change_snapshot(&self, change: &'static str) {
        let statement = sqlx::query(change).execute(&self.pool).await.unwrap();
        assert_eq!(statement.rows_affected(), 1);
    }

    /// How many events a node reads that loads the stream for its next command, which must be done at this revision.
    async fn events_read_for(&self, key: &str, revision: u64) -> usize {
        self.store.forget_reads();
        let answer = self.node().handle(rename(self.id, key)).await.unwrap();
        assert_eq!((answer.effect, answer.revision), (Effect::Done, Some(revision)));
        self.store.events_loaded()
    }
}

#[tokio::test]
async fn a_node_that_does_not_know_a_long_stream_reads_its_snapshot_and_what_came_after() {
    let world = World::new().await;
    let last = RENAMES;
    assert_eq!(world.events_read_for("first", last + 1).await, 61, "all of them");
    world.snapshot_at(last).await;
    // The event that the snapshot ends with, and the one after it.
    assert_eq!(world.events_read_for("second", last + 2).await, 2);

    // Commands from before the snapshot are remembered.
    let again = world.node().handle(rename(world.id, "r7")).await.unwrap();
    assert_eq!((again.effect, again.revision), (Effect::AlreadyDone, Some(7)));
    let nothing = rename(world.id, "second");
    let same = world.node().handle(nothing).await.unwrap();
    assert_eq!((same.effect, same.revision), (Effect::AlreadyDone, Some(last + 2)));
}

#[tokio::test]
async fn a_snapshot_that_does_not_fit_is_not_used_and_is_replaced() {
    for change in [
        // Of a stream with another history: the journal was put back and filled anew.
        "update journal.snapshots set event = gen_random_uuid()",
        "update journal.snapshots set revision = revision + 1000",
        // Of another fold.
        "update journal.snapshots set fold_version = fold_version - 1",
        // Damaged.
        "update journal.snapshots set content = '{}'",
    ] {
        let world = World::new().await;
        assert_eq!(world.events_read_for("first", RENAMES + 1).await, 61);
        world.snapshot_at(RENAMES).await;
        world.change_snapshot(change).await;
        let read = world.events_read_for("second", RENAMES + 2).await;
        assert!(
            (62..=64).contains(&read),
            "all of them, after at most one look: {read}, {change}"
        );
        world.snapshot_at(RENAMES + 1).await;
        assert_eq!(world.events_read_for("third", RENAMES + 3).await, 2, "{change}");
    }
}
