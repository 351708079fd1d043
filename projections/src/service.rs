//! The projector: follows the log and keeps one generation. Every event is applied exactly once, whatever crashes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_store::{Cut, EventStore};
use platform::health::HealthReporter;
use platform::shutdown::Shutdown;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::checkpoint;
use crate::error::{self, Poison, ProjectionError};
use crate::fingerprint;
use crate::generation::{self, Generation};
use crate::handle::{GenerationProgress, ProjectorHandle, ProjectorState};
use crate::metrics;
use crate::parking;
use crate::projector::Projector;
use crate::read_model;

mod backoff;
mod batch_size;
mod calling;
mod care;
mod companions;
pub(crate) mod folded;
mod lane;
mod options;
mod reader;
mod recent_subjects;
mod retrying;
pub(crate) mod subjects;
mod tenure;
mod timings;
pub(crate) mod writing;

pub use options::ProjectorOptions;

use backoff::Backoff;
use calling::Caller;
use companions::Companions;
use tenure::Tenure;

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
    /// Shared by the projectors of this process.
    caller: Arc<Caller>,
    /// Something was projected since the last attempt failed.
    worked: AtomicBool,
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
            caller: Arc::default(),
            worked: AtomicBool::default(),
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
            caller: self.caller.clone(),
            worked: AtomicBool::default(),
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
        let main = Arc::new(self);
        let (calling, until) = (main.clone(), shutdown.clone());
        // A task of its own: lanes wake it, and must not wake this one, which has to go on whatever a projector does to their threads.
        let _calling = AbortOnDropHandle::new(tokio::spawn(async move {
            calling.caller.run(&calling.pool, &until).await;
        }));
        let (projected, ()) = tokio::join!(main.project(&shutdown), Companions::of(&main).run(&shutdown));
        projected
    }

    async fn project(self: &Arc<Self>, shutdown: &Shutdown) -> Result<(), ProjectionError> {
        let mut backoff = Backoff::new(Duration::from_millis(self.options.retry_max_ms));
        while !shutdown.is_requested() {
            // Also ended when another generation is to be followed; then the next attempt finds it.
            let attempt = shutdown.child();
            let ended = self.attempt(&attempt).await;
            if self.worked.swap(false, Ordering::Relaxed) {
                backoff.reset();
            }
            if let Err(error) = ended
                && !self.survive(error, shutdown, &attempt, &mut backoff).await
            {
                break;
            }
        }
        self.enter(ProjectorState::Ended);
        Ok(())
    }

    /// From reading the checkpoint to shutdown or the first error.
    async fn attempt(self: &Arc<Self>, shutdown: &Shutdown) -> Result<(), ProjectionError> {
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
        let tenure = Tenure::begin(self.clone(), generation, stage).await?;
        let ended = tenure.run(shutdown).await;
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
                "another projector took over a part, sharing anew"
            );
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

    /// Parks the stream of an event that cannot be projected.
    async fn park(
        &self,
        generation: &Generation,
        fence: i64,
        poison: &Poison,
        crashes: u32,
    ) -> Result<(), ProjectionError> {
        let parked = parking::park(&self.pool, generation.id, fence, poison, crashes).await?;
        metrics::parked(&generation.schema, parked);
        if parked > self.options.parked_streams_max {
            return Err(ProjectionError::TooManyParked {
                generation: generation.schema.clone(),
                parked,
            });
        }
        Ok(())
    }

    async fn committed(&self, generation: &Generation) -> Result<Cut, ProjectionError> {
        checkpoint::read(&mut *self.pool.acquire().await?, generation.id).await
    }

    fn publish(&self, generation: &Generation, cut: &Cut, held: BTreeSet<u32>, state: ProjectorState) {
        self.progress.send_if_modified(|progress| {
            let now = GenerationProgress {
                schema: Some(generation.schema.clone()),
                cut: cut.clone(),
                held,
                state,
            };
            let changed = *progress != now;
            *progress = now;
            changed
        });
    }

    /// A transaction of this process has moved the checkpoint.
    fn advanced(&self, to: &Cut) {
        if !self.worked.swap(true, Ordering::Relaxed) {
            // Not at the next measurement of the lag: a start waits for this.
            self.up();
        }
        self.saw(to);
    }

    /// The checkpoint was seen here.
    fn saw(&self, cut: &Cut) {
        self.progress.send_if_modified(|progress| {
            let news = !progress.cut.covers(cut);
            progress.cut.merge(cut);
            news
        });
    }

    /// What is known to be committed.
    fn cut(&self) -> Cut {
        self.progress.borrow().cut.clone()
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
