//! How a projector works. Every bound of memory and time is here.

use serde::{Deserialize, Serialize};

/// So long a transaction of a generation that is built may gather.
const BUILDING_WRITE_INTERVAL_MS: u64 = 200;

/// How a projector works. Every bound of memory and time is here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectorOptions {
    /// Most events of one transaction, about.
    pub batch_events: usize,
    /// Bytes of events of one transaction, about. One transaction may be under way while the next is folded.
    pub batch_bytes: usize,
    /// About how long a transaction should take: events of a transaction become fewer when it takes longer, and more again up to
    /// their bound. Others who want the same rows, or the checkpoint, wait no longer than that.
    pub transaction_ms: u64,
    /// Shortest time from the start of one transaction to the start of the next, unless that one is full. Under load many small pieces
    /// become one transaction; what comes alone does not wait.
    pub write_interval_ms: u64,
    /// Transactions that may be under way at once, each for some of the partitions, while a generation is kept level.
    pub lanes: usize,
    /// Bytes of subjects kept in memory.
    pub subject_cache_bytes: u64,
    /// Wait for the disk at each commit. Off: a crash of the database may take back the last batches whole, and they are projected again.
    pub synchronous_commit: bool,
    /// Longest pause between attempts when database or log are away.
    pub retry_max_ms: u64,
    /// How long a process that follows may not look in before others take its partitions. One that dies is replaced at the next look.
    pub lease_ms: u64,
    /// How often a process looks in: says that it lives, and sees who else does.
    pub look_ms: u64,
    /// How often the lag is measured.
    pub lag_interval_ms: u64,
    /// How often a projector looks for generations that were made, promoted or dropped.
    pub generations_poll_ms: u64,
    /// Most events of one transaction, about, while a generation is built.
    pub rebuild_batch_events: usize,
    /// The same as `lanes`, while a generation is built.
    pub rebuild_lanes: usize,
    /// A generation that is built stands still while the serving one, in the same process, is more records than this behind the log.
    pub rebuild_yields_at: u64,
    /// A generation that is built works only part of the time while the slowest hundredth of queries takes longer than this, wherever they are
    /// answered. Never less than a tenth of the time, since queries may be slow for another reason.
    pub rebuild_query_p99_ms: u64,
    /// Streams that may be parked in one generation. With more of them it stops: then something else is wrong.
    pub parked_streams_max: u64,
}

impl Default for ProjectorOptions {
    fn default() -> Self {
        Self {
            batch_events: 2_000,
            batch_bytes: 8 * 1024 * 1024,
            transaction_ms: 500,
            write_interval_ms: 5,
            lanes: 1,
            subject_cache_bytes: 32 * 1024 * 1024,
            synchronous_commit: false,
            retry_max_ms: 5_000,
            lease_ms: 3_000,
            look_ms: 500,
            lag_interval_ms: 1_000,
            generations_poll_ms: 500,
            rebuild_batch_events: 20_000,
            rebuild_lanes: 2,
            rebuild_yields_at: 2_000,
            rebuild_query_p99_ms: 250,
            parked_streams_max: 1_000,
        }
    }
}

impl ProjectorOptions {
    /// While a generation is built nobody waits for its rows.
    pub(crate) fn for_building(&self) -> Self {
        Self {
            batch_events: self.rebuild_batch_events.max(1),
            write_interval_ms: BUILDING_WRITE_INTERVAL_MS,
            lanes: self.rebuild_lanes,
            ..self.clone()
        }
    }
}
