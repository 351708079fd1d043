//! A log of as many events as wanted: real histories again and again, each time as that of another repository, by other people.
//!
//! Every event takes the way that `coding-agent import git` takes: the same mapping from commits to commands, and the bulk route of the
//! command API, in this process instead of over the network. So streams, revisions, ids, metadata, commits and places are what the system
//! writes, and not what somebody believes it to write. All ids derive from the names of the repositories, so the same number of events
//! always gives the same ids, and sending a copy again adds nothing: an interrupted run is taken up by the next one.
//!
//! The way in is [`replicate`]; `./dev data` calls it through the program `replicate`.

pub mod command;
mod copies;
mod sending;
mod there;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use event_store::EventStore;
use futures::{StreamExt as _, TryStreamExt as _};
use replay_tools::progress::Meter;
use serde::Serialize;
use sqlx::PgPool;
use tokio::time::sleep;

use copies::Copy;
pub use copies::Histories;
pub use sending::PRINCIPAL;
use sending::{Entrance, Sent};

/// Copies on their way at the same time. On two cores more only wait for each other.
const COPIES_AT_ONCE: usize = 3;
/// Records that the journal may be behind the log before no further copy begins. Nodes refuse appends at half a window for each partition.
const JOURNAL_BEHIND_AT_MOST: u64 = 100_000;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the journal may stand still with work before it.
const SILENCE: Duration = Duration::from_mins(1);

/// Where the events go.
#[derive(Clone)]
pub struct Target {
    /// The log. Where it has a journal beside it, somebody must be filling that.
    pub store: Arc<dyn EventStore>,
    /// The database of the journal.
    pub pool: PgPool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replicated {
    /// Events of the copies in the log: as many as were asked for.
    pub events: u64,
    /// Those that were not there before.
    pub written: u64,
    /// Repositories that they belong to.
    pub copies: u64,
    /// How long it took.
    pub seconds: f64,
}

/// Sees to it that the log has the first `events` events of the copies of these histories, and with a journal beside it that that has them
/// too.
pub async fn replicate(histories: &Histories, events: u64, target: &Target, meter: &Meter) -> Result<Replicated> {
    let started = Instant::now();
    let copies = histories.copies(events);
    // What an earlier run has written may still be on its way to the journal.
    wait_for_journal(target, 0).await?;
    let first = there::first_to_send(&copies, COPIES_AT_ONCE, &target.pool).await?;
    let there = copies.iter().take(first).map(Copy::events).sum();
    meter.set("writing", there, events);
    let entrance = Entrance::new(target)?;
    let written = futures::stream::iter(copies.iter().skip(first))
        .map(|copy| send(copy, &entrance, target, meter))
        .buffer_unordered(COPIES_AT_ONCE)
        .try_fold(0, |written, sent| async move { Ok(written + sent.written) })
        .await?;
    wait_for_journal(target, 0).await?;
    Ok(Replicated {
        events,
        written,
        copies: copies.len() as u64,
        seconds: started.elapsed().as_secs_f64(),
    })
}

async fn send(copy: &Copy, entrance: &Entrance, target: &Target, meter: &Meter) -> Result<Sent> {
    wait_for_journal(target, JOURNAL_BEHIND_AT_MOST).await?;
    let context = || format!("the copy {} cannot be written", copy.repository());
    entrance.send(copy, meter).await.with_context(context)
}

/// Waits until at most so many records of the log are missing in the journal. Where the journal is the log there never are any.
async fn wait_for_journal(target: &Target, at_most: u64) -> Result<()> {
    let end = target.store.end().await?;
    let (mut least, mut moved) = (u64::MAX, Instant::now());
    loop {
        let behind = target.store.behind(&end, &there::journaled(&target.pool, &end).await?);
        if behind <= at_most {
            return Ok(());
        }
        if behind < least {
            (least, moved) = (behind, Instant::now());
        }
        ensure!(
            moved.elapsed() < SILENCE,
            "the journal is {behind} records behind the log and does not move"
        );
        sleep(LOOK_EVERY).await;
    }
}
