//! The other generations of the same fingerprint: one that is rebuilt, one that served before. Each has a projector of its own beside the
//! main one, which keeps to the generation that serves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use platform::shutdown::Shutdown;
use tokio_util::task::AbortOnDropHandle;

use super::ProjectorService;
use crate::error::ProjectionError;
use crate::fingerprint;
use crate::generation::{self, Generation};
use crate::leftovers;

/// How often generations whose time is over are dropped.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Projectors beside the main one.
pub(super) struct Companions<'a> {
    main: &'a Arc<ProjectorService>,
    fingerprint: String,
    running: BTreeMap<i32, Companion>,
}

/// Ends with the main projector, also when that is aborted.
struct Companion {
    shutdown: Shutdown,
    task: AbortOnDropHandle<Result<(), ProjectionError>>,
}

impl Companion {
    async fn stop(self) {
        self.shutdown.trigger();
        // What went wrong in it was logged there.
        let _ended = self.task.await;
    }
}

impl<'a> Companions<'a> {
    pub(super) fn of(main: &'a Arc<ProjectorService>) -> Self {
        Self {
            main,
            fingerprint: fingerprint::fingerprint(&main.projectors),
            running: BTreeMap::new(),
        }
    }

    /// Looks from time to time until shutdown: what appeared is followed, what was dropped is left alone, and when another one serves the
    /// main projector goes over to it.
    pub(super) async fn run(mut self, shutdown: &Shutdown) {
        let pause = Duration::from_millis(self.main.options.generations_poll_ms.max(1));
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !shutdown.is_requested() {
            tokio::select! {
                () = shutdown.requested() => {}
                _ = sweep.tick() => {
                    if let Err(error) = leftovers::drop_leftovers(&self.main.pool).await {
                        tracing::debug!(error = crate::error::chain(&error), "what has expired cannot be dropped");
                    }
                }
                () = tokio::time::sleep(pause) => {
                    if let Err(error) = self.look(shutdown).await {
                        tracing::debug!(error = crate::error::chain(&error), "generations cannot be looked at");
                    }
                }
            }
        }
        for (_, companion) in std::mem::take(&mut self.running) {
            companion.stop().await;
        }
    }

    async fn look(&mut self, shutdown: &Shutdown) -> Result<(), ProjectionError> {
        let Some(main) = self.main.attached() else {
            return Ok(());
        };
        let mut connection = self.main.pool.acquire().await?;
        let found = generation::of_fingerprint(&mut connection, &self.fingerprint, self.main.store.epoch()).await?;
        drop(connection);
        let preferred = found.first().map_or(main, |generation| generation.id);
        let gone: Vec<i32> = self
            .running
            .keys()
            .copied()
            .filter(|id| {
                let ended = self
                    .running
                    .get(id)
                    .is_some_and(|companion| companion.task.is_finished());
                ended || *id == preferred || !found.iter().any(|generation| generation.id == *id)
            })
            .collect();
        for id in gone {
            if let Some(companion) = self.running.remove(&id) {
                companion.stop().await;
            }
        }
        if preferred != main {
            self.main.change_over();
            return Ok(());
        }
        for generation in found.into_iter().filter(|generation| generation.id != main) {
            self.running
                .entry(generation.id)
                .or_insert_with(|| start(self.main, generation, shutdown));
        }
        Ok(())
    }
}

fn start(main: &ProjectorService, generation: Generation, shutdown: &Shutdown) -> Companion {
    tracing::info!(generation.schema, "following another generation of the read models");
    let service = Arc::new(main.companion(generation));
    let shutdown = shutdown.child();
    let requested = shutdown.clone();
    Companion {
        task: AbortOnDropHandle::new(tokio::spawn(async move { service.project(&requested).await })),
        shutdown,
    }
}
