//! Hears when a projector, of this process or another, has moved a checkpoint.

use std::time::Duration;

use event_store::Cut;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::watch;

use super::CHANNEL;
use crate::handle::{GenerationProgress, ProjectorHandle};

/// A look is taken so often without a call: one may be lost, and a promotion makes none.
const WITHOUT_A_CALL: Duration = Duration::from_secs(1);

pub(super) struct Listening {
    pool: PgPool,
    listener: Option<PgListener>,
    projector: Option<watch::Receiver<GenerationProgress>>,
    /// What the projector of this process had covered at the last call.
    heard: (Option<String>, Cut),
}

impl Listening {
    pub(super) fn new(pool: PgPool, projector: Option<ProjectorHandle>) -> Self {
        Self {
            pool,
            listener: None,
            projector: projector.map(|projector| projector.watch()),
            heard: (None, Cut::start()),
        }
    }

    /// From now on calls are heard; whoever looks afterwards misses none.
    pub(super) async fn start(&mut self) -> Result<(), sqlx::Error> {
        if self.listener.is_none() {
            // Not of the pool: it is kept for as long as somebody listens.
            let options = self.pool.connect_options().as_ref().clone();
            let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
            let mut listener = PgListener::connect_with(&own).await?;
            listener.listen(CHANNEL).await?;
            self.listener = Some(listener);
        }
        if let Some(projector) = &mut self.projector {
            let progress = projector.borrow_and_update();
            self.heard = (progress.schema.clone(), progress.cut.clone());
        }
        Ok(())
    }

    /// Waits for a call, or until it is time to look without one. Cancel safe.
    pub(super) async fn called(&mut self) {
        let Self {
            listener,
            projector,
            heard,
            ..
        } = self;
        let from_elsewhere = async {
            match listener {
                // An error is the end of the session; the next look begins another one.
                Some(listener) => listener.recv().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let from_here = async {
            let Some(projector) = projector else {
                return std::future::pending().await;
            };
            let moved = |progress: &GenerationProgress| progress.schema != heard.0 || !heard.1.covers(&progress.cut);
            if projector.wait_for(moved).await.is_err() {
                // The projector has ended.
                std::future::pending::<()>().await;
            }
        };
        let lost = tokio::select! {
            lives = from_elsewhere => !lives,
            () = from_here => false,
            () = tokio::time::sleep(WITHOUT_A_CALL) => false,
        };
        if lost {
            self.listener = None;
        }
    }
}
