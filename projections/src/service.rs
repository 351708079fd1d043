//! The projector: follows the log and keeps one generation. Every event is applied exactly once, whatever crashes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_store::{Cut, EventStore};
use platform::health::HealthReporter;
use platform::shutdown::Shutdown;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::watch;

use crate::checkpoint;
use crate::error::{self, ProjectionError};
use crate::fingerprint;
use crate::generation::{self, Generation};
use crate::handle::{GenerationProgress, ProjectorHandle, ProjectorState};
use crate::metrics;
use crate::projector::Projector;
use crate::read_model;

mod backoff;
mod companions;
mod engine;
pub(crate) mod folded;
mod reader;
mod standby;
pub(crate) mod subjects;
mod writing;

use backoff::Backoff;
use companions::Companions;
use engine::Engine;

/// How a projector works. Every bound of memory and time is here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectorOptions {
    /// Events of one transaction, about.
    pub batch_events: usize,
    /// Bytes of events of one transaction, about. One transaction may be under way while the next is folded.
    pub batch_bytes: usize,
    /// Shortest time from the start of one transaction to the start of the next, unless that one is full. Under load many small pieces
    /// become one transaction; what comes alone does not wait.
    pub write_interval_ms: u64,
    /// Bytes of subjects kept in memory.
    pub subject_cache_bytes: u64,
    /// Wait for the disk at each commit. Off: a crash of the database may take back the last batches whole, and they are projected again.
    pub synchronous_commit: bool,
    /// Longest pause between attempts when database or log are away.
    pub retry_max_ms: u64,
    /// How long another projector may stand still with work before it until this one takes over.
    pub takeover_ms: u64,
    /// How often a projector on standby looks at the checkpoint.
    pub standby_poll_ms: u64,
    /// How often the lag is measured.
    pub lag_interval_ms: u64,
    /// How often a projector looks for generations that were made, promoted or dropped.
    pub generations_poll_ms: u64,
    /// Events of one transaction, about, while a generation is built.
    pub rebuild_batch_events: usize,
    /// A generation that is built stands still while the serving one, in the same process, is more records than this behind the log.
    pub rebuild_yields_at: u64,
}

impl Default for ProjectorOptions {
    fn default() -> Self {
        Self {
            batch_events: 2_000,
            batch_bytes: 8 * 1024 * 1024,
            write_interval_ms: 5,
            subject_cache_bytes: 32 * 1024 * 1024,
            synchronous_commit: false,
            retry_max_ms: 5_000,
            takeover_ms: 1_000,
            standby_poll_ms: 100,
            lag_interval_ms: 1_000,
            generations_poll_ms: 500,
            rebuild_batch_events: 20_000,
            rebuild_yields_at: 2_000,
        }
    }
}

/// So long a transaction of a generation that is built may gather.
const BUILDING_WRITE_INTERVAL_MS: u64 = 200;

/// Follows the log into the generations of this version's read models: the one that serves, and those beside it.
pub struct ProjectorService {
    store: Arc<dyn EventStore>,
    pool: PgPool,
    options: ProjectorOptions,
    projectors: Arc<[Box<dyn Projector>]>,
    progress: watch::Sender<GenerationProgress>,
    health: Option<HealthReporter>,
    /// The only one to follow, for a projector beside the main one.
    only: Option<Generation>,
    /// What the main one follows now, and how it is told to change over.
    attached: Mutex<Option<(i32, Shutdown)>>,
    /// Records that the main one is behind, as it last measured.
    live_behind: Arc<AtomicU64>,
}

impl ProjectorOptions {
    /// While a generation is built nobody waits for its rows.
    fn for_building(&self) -> Self {
        Self {
            batch_events: self.rebuild_batch_events.max(1),
            write_interval_ms: BUILDING_WRITE_INTERVAL_MS,
            ..self.clone()
        }
    }
}

impl ProjectorService {
    /// A projector of all read models; [`crate::migrate`] comes first.
    pub fn new(store: Arc<dyn EventStore>, pool: PgPool, options: ProjectorOptions) -> Self {
        Self::with_projectors(store, pool, options, read_model::all())
    }

    /// A projector of these read models.
    pub fn with_projectors(
        store: Arc<dyn EventStore>,
        pool: PgPool,
        options: ProjectorOptions,
        projectors: Vec<Box<dyn Projector>>,
    ) -> Self {
        let progress = watch::Sender::new(GenerationProgress::default());
        Self {
            store,
            pool,
            options,
            projectors: projectors.into(),
            progress,
            health: None,
            only: None,
            attached: Mutex::default(),
            live_behind: Arc::default(),
        }
    }

    /// A projector beside this one, for one generation.
    fn companion(&self, generation: Generation) -> Self {
        Self {
            store: self.store.clone(),
            pool: self.pool.clone(),
            options: self.options.clone(),
            projectors: self.projectors.clone(),
            progress: watch::Sender::new(GenerationProgress::default()),
            health: None,
            only: Some(generation),
            attached: Mutex::default(),
            live_behind: self.live_behind.clone(),
        }
    }

    /// Reports to the health of the process.
    #[must_use]
    pub fn reporting_to(mut self, health: HealthReporter) -> Self {
        self.health = Some(health);
        self
    }

    /// What others in the process can see of it.
    pub fn handle(&self) -> ProjectorHandle {
        ProjectorHandle::new(self.progress.subscribe())
    }

    /// Works until shutdown is requested. Failures are tried again; after one that time cannot mend it stands still, unhealthy.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), ProjectionError> {
        let (projected, ()) = tokio::join!(self.project(&shutdown), Companions::of(&self).run(&shutdown));
        projected
    }

    async fn project(&self, shutdown: &Shutdown) -> Result<(), ProjectionError> {
        let mut backoff = Backoff::new(Duration::from_millis(self.options.retry_max_ms));
        while !shutdown.is_requested() {
            // Also ended when another generation is to be followed; then the next attempt finds it.
            let attempt = shutdown.child();
            if let Err(error) = self.attempt(&attempt, &mut backoff).await
                && !self.survive(error, shutdown, &attempt, &mut backoff).await
            {
                break;
            }
        }
        self.enter(ProjectorState::Ended);
        Ok(())
    }

    /// From reading the checkpoint to shutdown or the first error.
    async fn attempt(&self, shutdown: &Shutdown, backoff: &mut Backoff) -> Result<(), ProjectionError> {
        // Also while it stands still after a failure it must hear that it is to change over.
        if let Some((_, attempt)) = &mut *self.lock_attached() {
            *attempt = shutdown.clone();
        }
        let generation = self.generation().await?;
        *self.lock_attached() = Some((generation.id, shutdown.clone()));
        let stage = generation::stage(&mut *self.pool.acquire().await?, &generation).await?;
        // It may have been dropped since it was looked up.
        let stage = stage.ok_or_else(|| ProjectionError::Dropped {
            fingerprint: generation.fingerprint.clone(),
        })?;
        let cut = self.committed(&generation).await?;
        self.publish(&generation, &cut, ProjectorState::Following);
        let ended = Engine::new(self, generation, stage, cut).run(shutdown, backoff).await;
        if self.only.is_none() {
            // A projector that does not work is no reason for others to stand still.
            self.live_behind.store(0, Ordering::Relaxed);
        }
        ended
    }

    /// The generation that is followed, once it is known.
    fn attached(&self) -> Option<i32> {
        self.lock_attached().as_ref().map(|(id, _)| *id)
    }

    /// Ends what is under way in good order; the next attempt looks again which generation serves.
    fn change_over(&self) {
        if let Some((_, attempt)) = &*self.lock_attached() {
            attempt.trigger();
        }
    }

    fn lock_attached(&self) -> MutexGuard<'_, Option<(i32, Shutdown)>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until another attempt makes sense; `false` when the process ends.
    async fn survive(
        &self,
        error: ProjectionError,
        shutdown: &Shutdown,
        attempt: &Shutdown,
        backoff: &mut Backoff,
    ) -> bool {
        let schema = self.progress.borrow().schema.clone().unwrap_or_default();
        if matches!(error, ProjectionError::CheckpointMoved { .. }) {
            tracing::info!(
                generation.schema = schema,
                "another projector works on the generation, standing by"
            );
            match standby::stand_by(self, attempt).await {
                Ok(()) => return !shutdown.is_requested(),
                Err(error) => return self.pause(&schema, &error, shutdown, backoff).await,
            }
        }
        if self.only.is_some() && matches!(error, ProjectionError::Dropped { .. }) {
            return false;
        }
        if error.is_transient() {
            return self.pause(&schema, &error, shutdown, backoff).await;
        }
        let reason = error::chain(&error);
        metrics::failed(&schema, error.code());
        tracing::error!(generation.schema = schema, error = reason, "projecting stopped");
        self.down(error.code());
        self.enter(ProjectorState::Stopped { reason });
        // Until the end, or until another generation is to be followed: a rebuilt one may have been promoted.
        attempt.requested().await;
        !shutdown.is_requested()
    }

    async fn pause(&self, schema: &str, error: &ProjectionError, shutdown: &Shutdown, backoff: &mut Backoff) -> bool {
        let pause = backoff.next();
        metrics::failed(schema, error.code());
        tracing::warn!(
            generation.schema = schema,
            error = error::chain(error),
            retry.after_ms = pause.as_millis(),
            "projecting failed, trying again"
        );
        self.down(error.code());
        self.enter(ProjectorState::Retrying { code: error.code() });
        tokio::select! {
            () = shutdown.requested() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }

    async fn generation(&self) -> Result<Generation, ProjectionError> {
        if let Some(only) = &self.only {
            return Ok(only.clone());
        }
        if self.attached().is_some() {
            // An administrator who drops the last generation of this version does not want it again.
            let fingerprint = fingerprint::fingerprint(&self.projectors);
            let mut connection = self.pool.acquire().await?;
            let found = generation::of_fingerprint(&mut connection, &fingerprint, self.store.epoch()).await?;
            return found.into_iter().next().ok_or(ProjectionError::Dropped { fingerprint });
        }
        generation::find_or_create(
            &self.pool,
            &self.projectors,
            self.store.epoch(),
            self.store.partitions(),
        )
        .await
    }

    async fn committed(&self, generation: &Generation) -> Result<Cut, ProjectionError> {
        checkpoint::read(&mut *self.pool.acquire().await?, generation.id).await
    }

    fn publish(&self, generation: &Generation, cut: &Cut, state: ProjectorState) {
        self.progress.send_if_modified(|progress| {
            let now = GenerationProgress {
                schema: Some(generation.schema.clone()),
                cut: cut.clone(),
                state,
            };
            let changed = *progress != now;
            *progress = now;
            changed
        });
    }

    fn enter(&self, state: ProjectorState) {
        self.progress.send_modify(|progress| progress.state = state);
    }

    fn up(&self) {
        if let Some(health) = &self.health {
            health.up();
        }
    }

    fn down(&self, reason: &str) {
        if let Some(health) = &self.health {
            health.down(reason);
        }
    }
}
