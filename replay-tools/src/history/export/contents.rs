//! Looking at a journal as an import does: how far it is, and the hash of its content.

use event_store::Cut;
use sqlx::PgPool;
use tokio::sync::mpsc;

use super::ExportError;
use super::content::Contents;
use super::journal::{self, Copying, Piece, WAITING_BATCHES};
use super::manifest::ExportedLog;
use super::row::Rows;
use super::selection;
use crate::progress::Meter;

/// How far the journal has taken each partition.
pub(in crate::history) async fn journal_cut(pool: &PgPool) -> Result<Cut, ExportError> {
    let mut snapshot = journal::snapshot(pool).await?;
    let (log, end) = journal::head(&mut snapshot).await?;
    let cut = match log.kind {
        ExportedLog::Log => journal::checkpoints(&mut snapshot).await?,
        ExportedLog::Postgresql => selection::cut_after(end, &log, &mut snapshot).await?,
    };
    snapshot.rollback().await?;
    Ok(cut)
}

/// How many events the journal has: positions are given without a gap.
pub(in crate::history) async fn event_count(pool: &PgPool) -> Result<u64, ExportError> {
    let (_, end) = journal::head(&mut *pool.acquire().await?).await?;
    Ok(end)
}

/// The hash of each partition of the journal.
pub(in crate::history) async fn contents(pool: &PgPool, meter: &Meter) -> Result<Contents, ExportError> {
    let mut snapshot = journal::snapshot(pool).await?;
    let (_, end) = journal::head(&mut snapshot).await?;
    meter.begin("comparing", end);
    let (to_hasher, mut pieces) = mpsc::channel(WAITING_BATCHES);
    let hasher = tokio::task::spawn_blocking(move || {
        let mut contents = Contents::default();
        while let Some(piece) = pieces.blocking_recv() {
            if let Piece::Rows(bytes) = piece {
                for row in Rows::of(&bytes) {
                    contents.add(&row?);
                }
            }
        }
        Ok::<_, ExportError>(contents)
    });
    let copying = Copying {
        after: 0,
        through: end,
        condition: "",
        segment_events: u64::MAX,
        writers: vec![to_hasher],
        meter,
    };
    let copied = copying.run(&mut snapshot).await;
    let contents = hasher.await.map_err(|_| ExportError::crashed("hasher"))??;
    copied?;
    snapshot.rollback().await?;
    Ok(contents)
}
