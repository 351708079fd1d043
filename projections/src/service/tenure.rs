//! One attempt: from joining those who follow a generation, over projecting the partitions that are this process's share, to the end or
//! the first error.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use event_store::Cut;
use platform::shutdown::Shutdown;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::care::Care;
use super::lane::{Lane, LaneEnd, LaneParts};
use super::reader::Reading;
use super::retrying::Retrying;
use super::subjects::SubjectCache;
use super::timings::Timings;
use super::{ProjectorOptions, ProjectorService, ProjectorState};
use crate::change_feed;
use crate::error::{self, ProjectionError};
use crate::generation::{self, Generation, Stage};
use crate::governor::Governor;
use crate::lease::{Fences, Lease, Taken, View};
use crate::{metrics, parking};

/// How often rows of the change feed that are too old to be read are removed.
const FORGET_CHANGES_EVERY_MS: u64 = 10_000;
/// Deaths of holders with the same event under their hands after which its stream is parked.
const CRASHES_OF_ONE_EVENT: u32 = 5;
/// Between two looks of a process that has no partitions.
const LOOK_WITHOUT_SHARE: Duration = Duration::from_millis(100);

pub(super) struct Tenure {
    service: Arc<ProjectorService>,
    generation: Generation,
    stage: Stage,
    options: ProjectorOptions,
    lease: Lease,
    held: Fences,
    care: Care,
    timings: Arc<Timings>,
    governor: Arc<Governor>,
    looked_at: Instant,
}

/// Why lanes were stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    /// The process ends, or another generation is to be followed.
    Shutdown,
    /// Shares change, somebody wants a parked stream tried again, or care is over: begin anew with what is held then.
    Anew,
    /// A generation that is built lacks little.
    NearlyLevel,
}

impl Tenure {
    pub(super) async fn begin(
        service: Arc<ProjectorService>,
        generation: Generation,
        stage: Stage,
    ) -> Result<Self, ProjectionError> {
        let options = match stage {
            Stage::Building => service.options.for_building(),
            Stage::Level => service.options.clone(),
        };
        let lease = Lease::join(
            &service.pool,
            generation.id,
            Duration::from_millis(options.lease_ms.max(1)),
        );
        Ok(Self {
            lease: lease.await?,
            generation,
            stage,
            options,
            held: Fences::new(),
            care: Care::default(),
            timings: Arc::default(),
            governor: Arc::default(),
            looked_at: Instant::now(),
            service,
        })
    }

    pub(super) async fn run(mut self, shutdown: &Shutdown) -> Result<(), ProjectionError> {
        let outcome = self.work(shutdown).await;
        // In good order also after an error: only a process that dies leaves its partitions held.
        if let Err(error) = self.lease.leave().await {
            tracing::debug!(error = error::chain(&error), "the share could not be given back");
        }
        outcome
    }

    async fn work(&mut self, shutdown: &Shutdown) -> Result<(), ProjectionError> {
        while !shutdown.is_requested() {
            let view = self.take_share().await?;
            if self.held.is_empty() {
                self.stand_by(&view, shutdown).await;
                continue;
            }
            match self.project(&view, shutdown).await? {
                Pause::Shutdown => break,
                Pause::Anew => {}
                Pause::NearlyLevel => {
                    // What came meanwhile is little. Only while nothing is written: both want the same tables.
                    generation::create_indexes(&self.service.pool, &self.generation, &self.service.projectors).await?;
                    // The next attempt goes on with the pieces of one that is kept level.
                    return generation::reached_level(&self.service.pool, &self.generation).await;
                }
            }
        }
        Ok(())
    }

    /// Looks in, leaves what is too much and takes what is free.
    async fn take_share(&mut self) -> Result<View, ProjectionError> {
        let mut view = self.look().await?;
        if !view.give_up.is_empty() {
            self.lease.give_up(&view.give_up).await?;
            self.held.retain(|partition, _| !view.give_up.contains(partition));
        }
        if view.claim.is_empty() {
            return Ok(view);
        }
        for taken in self.claim(&view).await? {
            self.held.insert(taken.partition, taken.fence);
            view.cut.raise(taken.partition, taken.next_offset);
            if taken.crashes > 0 {
                tracing::warn!(
                    generation.schema = self.generation.schema,
                    partition = taken.partition,
                    crashes = taken.crashes,
                    "the process that held the partition died, going on with care"
                );
            }
            self.care.after_crashes(taken.crashes, self.options.batch_events);
            self.park_crashed(&taken).await?;
        }
        parking::count_crashed_retries(&self.service.pool, self.generation.id, &self.held).await?;
        Ok(view)
    }

    async fn claim(&mut self, view: &View) -> Result<Vec<Taken>, ProjectionError> {
        match self.lease.claim(view).await {
            // The dead holder's transaction is not ended yet: at the next look.
            Err(ProjectionError::Database(error)) if error::is_lock_not_available(&error) => Ok(Vec::new()),
            claimed => claimed,
        }
    }

    /// One death with an event under one's hands may be chance; more of them with the same event are not.
    async fn park_crashed(&self, taken: &Taken) -> Result<(), ProjectionError> {
        let Some((stream, revision)) = &taken.trying else {
            return Ok(());
        };
        if taken.trying_crashes < CRASHES_OF_ONE_EVENT {
            return Ok(());
        }
        let Ok(stream) = domain::StreamId::parse(stream) else {
            return Ok(());
        };
        let loaded = self.service.store.load_after(&stream, revision.checked_sub(1)).await?;
        if let Some(event) = loaded.events.first() {
            self.service
                .park(&self.generation, taken.fence, &parking::crashed(event), taken.crashes)
                .await?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<View, ProjectionError> {
        let interval = self.timings.take(&mut self.looked_at, self.governor.share());
        let view = self.lease.look(&self.held, &interval).await?;
        if view.lost {
            return Err(ProjectionError::CheckpointMoved {
                generation: self.generation.schema.clone(),
            });
        }
        Ok(view)
    }

    /// All partitions are others'.
    async fn stand_by(&self, view: &View, shutdown: &Shutdown) {
        self.service
            .publish(&self.generation, &view.cut, BTreeSet::new(), ProjectorState::Standby);
        self.service.up();
        tokio::select! {
            () = shutdown.requested() => {}
            () = tokio::time::sleep(LOOK_WITHOUT_SHARE) => {}
        }
    }

    async fn project(&mut self, view: &View, shutdown: &Shutdown) -> Result<Pause, ProjectionError> {
        let own: BTreeSet<u32> = self.held.keys().copied().collect();
        let cut = view.cut.of_partitions(&own);
        let cache = Arc::new(SubjectCache::new(&self.generation, self.options.subject_cache_bytes));
        let mut parked = parking::load(&self.service.pool, self.generation.id, &self.held).await?;
        let retrying = Retrying::new(&self.service, &self.generation, &self.held, &cut, &cache, &self.options);
        retrying.retry_all(&mut parked).await?;
        self.service
            .publish(&self.generation, &view.cut, own.clone(), ProjectorState::Following);

        // Where an event is suspected, nothing else is under way that could be at fault.
        let lanes = if self.care.writes_down() { 1 } else { self.options.lanes };
        let shares = divide(&own, lanes);
        let reading = Reading {
            store: self.service.store.clone(),
            from: cut.clone(),
            gaps: Arc::new(parked.gaps()),
            max_events: self.care.batch_events(&cut, self.options.batch_events),
            max_bytes: self.options.batch_bytes,
            timings: self.timings.clone(),
        };
        let (pieces, _reader) = reading.start(&shares);
        let careful = shares.iter().filter(|share| self.care.of(share).is_needed(&cut));
        let careful_lanes = Arc::new(AtomicUsize::new(careful.count()));
        let stop = shutdown.child();
        let mut lanes = JoinSet::new();
        for (share, pieces) in shares.into_iter().zip(pieces) {
            let lane = Lane::new(LaneParts {
                service: self.service.clone(),
                generation: self.generation.clone(),
                stage: self.stage,
                held: self
                    .held
                    .iter()
                    .filter(|(partition, _)| share.contains(partition))
                    .map(|(partition, fence)| (*partition, *fence))
                    .collect(),
                cut: cut.of_partitions(&share),
                pieces,
                cache: cache.clone(),
                timings: self.timings.clone(),
                governor: self.governor.clone(),
                care: self.care.of(&share),
                careful_lanes: careful_lanes.clone(),
                options: self.options.clone(),
            });
            let stop = stop.clone();
            lanes.spawn(async move { lane.run(&stop).await });
        }
        let watched = self.watch(&mut lanes, &own, shutdown).await;
        stop.trigger();
        let mut ended = Ok(());
        while let Some(lane) = lanes.join_next().await {
            ended = ended.and(joined(lane).map(|_| ()));
        }
        match watched.and_then(|pause| ended.map(|()| pause)) {
            Err(error) => self.settle(error).await,
            paused => paused,
        }
    }

    /// What is one event's fault stops one stream: the rest begins anew without it.
    async fn settle(&mut self, error: ProjectionError) -> Result<Pause, ProjectionError> {
        match error {
            ProjectionError::Poison(poison) => {
                tracing::error!(
                    generation.schema = self.generation.schema,
                    stream = poison.event.stream.as_str(),
                    revision = poison.event.revision,
                    event_type = poison.event.event_type,
                    error = error::chain(&poison.fault),
                    "an event cannot be projected, its stream is parked"
                );
                metrics::failed(&self.generation.schema, poison.fault.code());
                let fence = self.held.get(&poison.event.partition).copied().unwrap_or(0);
                self.service.park(&self.generation, fence, &poison, 0).await?;
                Ok(Pause::Anew)
            }
            ProjectionError::Refused { to, refusal, .. } => {
                tracing::warn!(
                    generation.schema = self.generation.schema,
                    error = error::chain(&refusal),
                    "the database refused rows, looking for the event at fault"
                );
                self.care.after_refusal(&to);
                Ok(Pause::Anew)
            }
            error => Err(error),
        }
    }

    /// Looks on until there is a reason to stop the lanes.
    async fn watch(
        &mut self,
        lanes: &mut JoinSet<Result<LaneEnd, ProjectionError>>,
        own: &BTreeSet<u32>,
        shutdown: &Shutdown,
    ) -> Result<Pause, ProjectionError> {
        let mut look_timer = timer(self.options.look_ms);
        let mut lag_timer = timer(self.options.lag_interval_ms);
        let mut forget_timer = timer(FORGET_CHANGES_EVERY_MS);
        // One has just been had.
        look_timer.reset();
        loop {
            tokio::select! {
                biased;
                () = shutdown.requested() => return Ok(Pause::Shutdown),
                Some(lane) = lanes.join_next() => {
                    if joined(lane)? == LaneEnd::CareIsOver {
                        self.care = Care::default();
                    }
                    return Ok(Pause::Anew);
                }
                _ = look_timer.tick() => {
                    let view = self.look().await?;
                    self.heed_queries().await?;
                    let others: Cut = view.cut.iter().filter(|(partition, _)| !own.contains(partition)).collect();
                    self.service.saw(&others);
                    if !view.claim.is_empty() || !view.give_up.is_empty() || view.retries {
                        return Ok(Pause::Anew);
                    }
                }
                _ = forget_timer.tick() => {
                    change_feed::forget_old_changes(&self.service.pool, self.generation.id).await?;
                }
                _ = lag_timer.tick() => {
                    if self.measure_lag().await? {
                        return Ok(Pause::NearlyLevel);
                    }
                }
            }
        }
    }

    /// What is built makes way for those who ask.
    async fn heed_queries(&mut self) -> Result<(), ProjectionError> {
        if self.stage == Stage::Building {
            let p99 = self.lease.slowest_p99_of_queries().await?;
            let wanted = Duration::from_millis(self.options.rebuild_query_p99_ms);
            self.governor
                .learn(p99.is_some_and(|p99| p99 > wanted.as_secs_f64() * 1_000.0));
        }
        Ok(())
    }

    /// A projector without work is healthy when it is level; one with work, when it gets on. Is a generation that is built nearly level?
    async fn measure_lag(&mut self) -> Result<bool, ProjectionError> {
        let end = self.service.store.end().await?;
        let behind = self.service.store.behind(&end, &self.service.cut());
        metrics::lag(&self.generation.schema, behind);
        self.timings.behind.store(behind > 0, Ordering::Relaxed);
        if behind == 0 {
            self.service.up();
        }
        if self.service.only.is_none() {
            self.service.live_behind.store(behind, Ordering::Relaxed);
        }
        Ok(self.stage == Stage::Building && behind <= self.service.options.batch_events as u64)
    }
}

/// Partitions, one by one in turn.
fn divide(own: &BTreeSet<u32>, lanes: usize) -> Vec<BTreeSet<u32>> {
    let lanes = lanes.clamp(1, own.len().max(1));
    let mut shares = vec![BTreeSet::new(); lanes];
    for (partition, share) in own.iter().zip((0..lanes).cycle()) {
        if let Some(share) = shares.get_mut(share) {
            share.insert(*partition);
        }
    }
    shares
}

/// What became of a lane. Nothing of it is there when it panicked or was cancelled with the runtime.
fn joined(lane: Result<Result<LaneEnd, ProjectionError>, tokio::task::JoinError>) -> Result<LaneEnd, ProjectionError> {
    lane.unwrap_or_else(|error| {
        Err(event_store::StoreError::Unavailable {
            reason: format!("a lane of the projector ended: {error}"),
        }
        .into())
    })
}

fn timer(milliseconds: u64) -> tokio::time::Interval {
    let mut timer = tokio::time::interval(Duration::from_millis(milliseconds.max(1)));
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timer
}
