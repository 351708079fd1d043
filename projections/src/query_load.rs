//! How fast queries are answered, as those who answer them tell, so that no generation is built at their cost.
//!
//! Each process that answers queries counts them and writes one row a second; whoever builds a generation looks for the worst of them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use platform::shutdown::Shutdown;
use sqlx::{PgConnection, PgPool};

use crate::error;
use crate::lease;

const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Times of so many queries are kept between two reports; more of them tell nothing new.
const KEPT: usize = 10_000;
/// Of fewer queries the slowest hundredth is one of them, and says little.
const FEWEST: i64 = 20;
/// An older report is no news. Processes that ended leave none to be removed before that.
pub(crate) const NEWS: Duration = Duration::from_secs(3);
/// Rows of processes that ended long ago.
const FORGOTTEN: Duration = Duration::from_hours(1);

/// Counts the queries of a process.
#[derive(Debug, Default)]
pub struct QueryLoad(Mutex<Interval>);

#[derive(Debug, Default)]
struct Interval {
    queries: u64,
    took: Vec<Duration>,
}

impl QueryLoad {
    /// A query was answered from the serving generation.
    pub fn answered(&self, took: Duration) {
        let mut interval = self.lock();
        interval.queries += 1;
        if interval.took.len() < KEPT {
            interval.took.push(took);
        }
    }

    /// Tells the others once a second, while there is something to tell. Nothing depends on it but the pace of rebuilds, so a database that is away
    /// is no failure.
    pub async fn report(&self, pool: PgPool, shutdown: Shutdown) -> Result<(), std::convert::Infallible> {
        while !shutdown.is_requested() {
            let interval = std::mem::take(&mut *self.lock());
            if interval.queries > 0
                && let Err(error) = interval.tell(&pool).await
            {
                tracing::debug!(error = error::chain(&error), "the load of queries could not be told");
            }
            tokio::select! {
                () = shutdown.requested() => break,
                () = tokio::time::sleep(REPORT_EVERY) => {}
            }
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Interval> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interval {
    /// The slowest but a hundredth of them.
    fn p99(&mut self) -> Duration {
        let from_end = self.took.len() / 100;
        let at = self.took.len().saturating_sub(from_end + 1);
        if self.took.is_empty() {
            return Duration::ZERO;
        }
        *self.took.select_nth_unstable(at).1
    }

    async fn tell(mut self, pool: &PgPool) -> Result<(), sqlx::Error> {
        sqlx::query(
            "with forgotten as (delete from control.query_load where seen_at < clock_timestamp() - make_interval(secs => $4) and name <> $1) \
             insert into control.query_load (name, seen_at, queries, p99_ms) values ($1, clock_timestamp(), $2, $3) \
             on conflict (name) do update set seen_at = excluded.seen_at, queries = excluded.queries, p99_ms = excluded.p99_ms",
        )
        .bind(lease::name())
        .bind(self.queries.cast_signed())
        .bind(self.p99().as_secs_f64() * 1_000.0)
        .bind(FORGOTTEN.as_secs_f64())
        .execute(pool)
        .await?;
        Ok(())
    }
}

/// The 99th percentile of those who are asked enough to know one, in milliseconds: that of the slowest of them.
pub(crate) async fn slowest_p99(connection: &mut PgConnection) -> Result<Option<f64>, sqlx::Error> {
    sqlx::query_scalar(
        "select max(p99_ms) from control.query_load where queries >= $1 and seen_at > clock_timestamp() - make_interval(secs => $2)",
    )
    .bind(FEWEST)
    .bind(NEWS.as_secs_f64())
    .fetch_one(connection)
    .await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::QueryLoad;

    #[test]
    fn the_slowest_hundredth_is_left_out() {
        let load = QueryLoad::default();
        for milliseconds in (1..=200).rev() {
            load.answered(Duration::from_millis(milliseconds));
        }
        let mut interval = std::mem::take(&mut *load.lock());
        assert_eq!((interval.queries, interval.p99()), (200, Duration::from_millis(198)));
        assert_eq!(load.lock().p99(), Duration::ZERO);
    }
}
