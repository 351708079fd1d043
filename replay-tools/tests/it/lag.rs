//! What holds a generation back, made on a real database and found by looking at it.

use std::sync::Arc;
use std::time::Duration;

use event_store::EventStore;
use event_store::postgres::PostgresStore;
use platform::shutdown::Shutdown;
use projections::{ProjectorOptions, ProjectorService, ProjectorState};
use replay_tools::generations::GenerationsSources;
use replay_tools::lag::{Cause, LagFacts, diagnose, observe};
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

use crate::history::world::{PARTITIONS, World, append, renamed, stream};

const PATIENCE: Duration = Duration::from_secs(30);
/// The first key of the locks by which projectors show that they live.
const PROJECTOR_LOCK: i32 = 0x7072_6f6a;
const BETWEEN: Duration = Duration::from_millis(200);

/// A database whose only generation is level, and which nobody follows.
struct Level {
    sources: GenerationsSources,
    store: Arc<PostgresStore>,
}

impl Level {
    async fn new() -> Self {
        let pool = World::on_postgresql().await.copy().await;
        let store = Arc::new(PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap());
        let sources = GenerationsSources {
            store: store.clone(),
            pool,
            projections: ProjectorOptions::default(),
        };
        Self { sources, store }
    }

    fn pool(&self) -> &PgPool {
        &self.sources.pool
    }

    async fn look(&self) -> (LagFacts, Vec<Cause>) {
        let facts = observe(None, &self.sources, BETWEEN).await.unwrap();
        let causes = diagnose(&facts).into_iter().map(|diagnosis| diagnosis.cause).collect();
        (facts, causes)
    }

    /// Looks until exactly this is the cause.
    async fn shows(&self, cause: Cause) -> LagFacts {
        let mut last = Vec::new();
        let shown = async {
            loop {
                let (facts, causes) = self.look().await;
                if causes == [cause] {
                    return facts;
                }
                last = causes;
            }
        };
        match tokio::time::timeout(PATIENCE, shown).await.ok() {
            Some(facts) => facts,
            None => panic!("{cause:?} is not the only cause: {last:?}"),
        }
    }

    /// One more event, which is not projected.
    async fn fall_behind(&self) {
        append(&*self.store, &stream(2), "one-more", vec![renamed("Again")]).await;
    }

    /// A process that lives, says that it follows everything, and has looked in so long ago. It lives as long as its session.
    async fn says_it_follows(&self, seconds: f64) -> PoolConnection<Postgres> {
        let mut session = self.pool().acquire().await.unwrap();
        let id: i32 = sqlx::query_scalar(
            "insert into control.projector (generation, name, seen_at, timings) \
             values (1, 'host/77', clock_timestamp() - make_interval(secs => $1), '{\"intervalMs\": 1000, \"writeMs\": 600.5, \"new\": 1}') \
             returning id",
        )
        .bind(seconds)
        .fetch_one(&mut *session)
        .await
        .unwrap();
        sqlx::query("select pg_advisory_lock($1, $2)")
            .bind(PROJECTOR_LOCK)
            .bind(id)
            .execute(&mut *session)
            .await
            .unwrap();
        sqlx::query("update control.checkpoint set holder = $1 where generation = 1")
            .bind(id)
            .execute(self.pool())
            .await
            .unwrap();
        session
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_level_generation_has_no_cause_and_one_that_nobody_follows_has_one() {
    let level = Level::new().await;
    let (facts, causes) = level.look().await;
    assert_eq!((facts.behind, causes), (0, Vec::new()), "{facts:#?}");
    level.fall_behind().await;
    let (facts, causes) = level.look().await;
    assert_eq!(causes, [Cause::NoProcess], "{facts:#?}");
    assert!(facts.is_ours && facts.is_of_this_history && facts.behind == 1 && facts.behind_seconds > 0.0);
    assert!(facts.unheld_partitions.contains(&stream(2).partition(PARTITIONS)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_are_read_with_their_timings_and_silent_ones_are_named() {
    let level = Level::new().await;
    level.fall_behind().await;
    let session = level.says_it_follows(60.0).await;
    let (facts, causes) = level.look().await;
    assert_eq!(causes, [Cause::ProcessSilent], "{facts:#?}");
    let [process] = &facts.processes[..] else {
        panic!("{facts:#?}")
    };
    assert_eq!((process.name.as_str(), process.partitions), ("host/77", PARTITIONS));
    assert!((process.timings.write_ms - 600.5).abs() < f64::EPSILON);
    // What a process that died held is held by nobody.
    session.close().await.unwrap();
    let (facts, causes) = level.look().await;
    assert_eq!(causes, [Cause::NoProcess], "{facts:#?}");
    assert!(!facts.unheld_partitions.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_looks_in_and_does_nothing_stands_still() {
    let level = Level::new().await;
    level.fall_behind().await;
    let _session = level.says_it_follows(0.0).await;
    // Younger lag would be events on their way.
    let facts = level.shows(Cause::StandsStill).await;
    assert!(facts.projected_per_second <= 0.0, "{facts:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_on_a_checkpoint_is_told_with_who_holds_it() {
    let level = Level::new().await;
    let shutdown = Shutdown::new();
    let requested = shutdown.clone();
    let service = ProjectorService::new(level.store.clone(), level.pool().clone(), ProjectorOptions::default());
    let mut progress = service.handle().watch();
    let projector = tokio::spawn(async move { service.run(requested).await });
    let following = progress.wait_for(|progress| progress.state == ProjectorState::Following);
    drop(tokio::time::timeout(PATIENCE, following).await.unwrap().unwrap());
    let mut other = level.pool().acquire().await.unwrap();
    let holder: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut *other)
        .await
        .unwrap();
    sqlx::raw_sql("set application_name = 'a person'; begin")
        .execute(&mut *other)
        .await
        .unwrap();
    sqlx::query("select from control.checkpoint where generation = 1 and partition = $1 for update")
        .bind(stream(2).partition(PARTITIONS).cast_signed())
        .execute(&mut *other)
        .await
        .unwrap();
    level.fall_behind().await;
    let facts = level.shows(Cause::LockWait).await;
    let wait = &facts.waits[0];
    assert_eq!((wait.blocked_by, wait.application.as_str()), (holder, "a person"));
    assert!(
        !wait.is_promoting && wait.pid != holder && wait.doing.starts_with("idle in transaction"),
        "{wait:#?}"
    );
    // A promotion holds the row of what serves as well.
    sqlx::query("select from control.serving for update")
        .execute(&mut *other)
        .await
        .unwrap();
    level.shows(Cause::HeldByPromote).await;
    sqlx::raw_sql("rollback").execute(&mut *other).await.unwrap();
    level.is_level().await;
    shutdown.trigger();
    projector.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_stands_still_is_told_while_nothing_is_behind() {
    let level = Level::new().await;
    sqlx::query(
        "insert into control.parked_stream (generation, stream, partition, revision, record_offset, event_type, code, error) \
         values (1, 'task-a', 0, 3, 9, 'task.created.v1', 'projection.poison-event', 'it does not fit')",
    )
    .execute(level.pool())
    .await
    .unwrap();
    let (facts, causes) = level.look().await;
    assert_eq!(causes, [Cause::Parked]);
    assert_eq!(
        (facts.behind, facts.parked.streams, facts.parked.first.as_deref()),
        (0, 1, Some("task-a"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_nobody_fills_has_no_process() {
    let level = Level::new().await;
    let store: &dyn EventStore = &*level.store;
    let asked = projections::administration::rebuild(level.pool(), store, &projections::read_model::all()).await;
    let facts = observe(Some(&asked.unwrap()), &level.sources, BETWEEN).await.unwrap();
    assert_eq!((facts.state.as_str(), facts.behind), ("building", facts.records));
    assert_eq!(facts.serving.as_ref().map(|serving| serving.behind), Some(0));
    assert_eq!(diagnose(&facts)[0].cause, Cause::NoProcess);
}

impl Level {
    async fn is_level(&self) {
        let level = async { while self.look().await.0.behind > 0 {} };
        tokio::time::timeout(PATIENCE, level).await.expect("level in time");
    }
}
