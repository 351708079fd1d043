//! While another process projects the same generation: look on, and take over when it stands still before work.

use std::time::{Duration, Instant};

use event_store::Cut;
use platform::shutdown::Shutdown;

use super::{ProjectorService, ProjectorState};
use crate::error::ProjectionError;

/// Returns when this process should try again, or ends.
///
/// Two projectors at once would be right but wasteful. Who is stopped in the middle of a transaction keeps nobody waiting: the database
/// ends idle transactions, and a checkpoint that does not move while the log is ahead is reason enough to try.
pub(super) async fn stand_by(service: &ProjectorService, shutdown: &Shutdown) -> Result<(), ProjectionError> {
    let generation = service.generation().await?;
    let mut still: Option<(Instant, Cut)> = None;
    while !shutdown.is_requested() {
        let committed = service.committed(&generation).await?;
        service.publish(&generation, &committed, ProjectorState::Standby);
        service.up();
        let behind = service.store.behind(&service.store.end().await?, &committed) > 0;
        still = match still {
            Some((since, cut)) if behind && cut == committed => Some((since, cut)),
            _ => behind.then(|| (Instant::now(), committed)),
        };
        let waited = still.as_ref().map_or(Duration::ZERO, |(since, _)| since.elapsed());
        if behind && waited >= Duration::from_millis(service.options.takeover_ms) {
            return Ok(());
        }
        tokio::select! {
            () = shutdown.requested() => {}
            () = tokio::time::sleep(Duration::from_millis(service.options.standby_poll_ms.max(1))) => {}
        }
    }
    Ok(())
}
