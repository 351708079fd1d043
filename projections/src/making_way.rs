//! Lets those go first who serve, for a generation that no running projector fills.
//!
//! Running projectors know how they stand ([`crate::service`]); a command that folds beside them has to look. What it sees decides, as there,
//! how much of its time it works ([`Governor`]).

use std::time::{Duration, Instant};

use event_store::EventStore;
use sqlx::PgPool;

use crate::error::ProjectionError;
use crate::governor::Governor;
use crate::query_load;
use crate::read::{self, ReadError};
use crate::service::ProjectorOptions;

/// Makes way for queries, and for the projectors that keep the serving generation level.
pub(crate) struct MakingWay {
    governor: Governor,
    looked_at: Instant,
    look_every: Duration,
    query_p99_ms: u64,
    yields_at: u64,
    hurries: bool,
}

impl MakingWay {
    pub(crate) fn new(options: &ProjectorOptions) -> Self {
        Self {
            governor: Governor::default(),
            looked_at: Instant::now(),
            look_every: Duration::from_millis(options.look_ms),
            query_p99_ms: options.rebuild_query_p99_ms,
            yields_at: options.rebuild_yields_at,
            hurries: false,
        }
    }

    /// Rests no more: from now on others wait for the end.
    pub(crate) fn hurry(&mut self) {
        self.hurries = true;
    }

    /// In percent of the time.
    pub(crate) fn share(&self) -> u32 {
        self.governor.share()
    }

    /// Rests after so much work, as long as the others need it.
    pub(crate) async fn rest_after(
        &mut self,
        worked: Duration,
        pool: &PgPool,
        store: &dyn EventStore,
    ) -> Result<(), ProjectionError> {
        if self.hurries {
            return Ok(());
        }
        if self.looked_at.elapsed() >= self.look_every {
            let suffers = self.somebody_suffers(pool, store).await?;
            self.governor.learn(suffers);
            self.looked_at = Instant::now();
        }
        tokio::time::sleep(self.governor.pause_after(worked)).await;
        Ok(())
    }

    async fn somebody_suffers(&self, pool: &PgPool, store: &dyn EventStore) -> Result<bool, ProjectionError> {
        let mut connection = pool.acquire().await?;
        let p99 = query_load::slowest_p99(&mut connection).await?;
        if p99.is_some_and(|p99| p99 > Duration::from_millis(self.query_p99_ms).as_secs_f64() * 1_000.0) {
            return Ok(true);
        }
        let serving = match read::serving(&mut connection).await {
            Ok(serving) => serving,
            Err(ReadError::Database(error)) => return Err(error.into()),
            // Nobody reads.
            Err(_) => return Ok(false),
        };
        // Where no process keeps it level, nobody gets on faster when this one rests.
        let is_followed: bool = sqlx::query_scalar(
            "select exists (select from control.projector where generation = $1 and left_at is null \
             and seen_at > clock_timestamp() - make_interval(secs => $2))",
        )
        .bind(serving.id)
        .bind(query_load::NEWS.as_secs_f64())
        .fetch_one(&mut *connection)
        .await?;
        drop(connection);
        Ok(is_followed && store.behind(&store.end().await?, &serving.cut) > self.yields_at)
    }
}
