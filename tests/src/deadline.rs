//! Waiting for a condition: the one place in all system tests where time passes on purpose.

use std::future::Future;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(10);

/// Looks until there is something, and fails when there is nothing after `patience`.
pub async fn eventually<T, Look>(what: &str, patience: Duration, mut look: impl FnMut() -> Look) -> T
where
    Look: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {patience:?}");
        tokio::time::sleep(STEP).await;
    }
}

/// As [`eventually`], for work that reports its own end and must not take longer than `patience`.
pub async fn settled<T>(what: &str, patience: Duration, work: impl Future<Output = T>) -> T {
    let Ok(done) = tokio::time::timeout(patience, work).await else {
        panic!("{what}: not within {patience:?}");
    };
    done
}
