//! What was seen of a generation that may be behind.

use serde::{Deserialize, Serialize};

/// Everything that a diagnosis is made from. Times are in seconds by the clock of the database.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LagFacts {
    /// Its schema.
    pub generation: String,
    /// `building`, `following` or `serving`.
    pub state: String,
    /// Who may follow it.
    pub fingerprint: String,
    /// Is that this version of the software?
    pub is_ours: bool,
    /// Does it count in the history that the log has now?
    pub is_of_this_history: bool,
    /// Records of the log that it does not cover.
    pub behind: u64,
    /// Records of the log.
    pub records: u64,
    /// For how long the first event that it does not cover has been in the log.
    pub behind_seconds: f64,
    /// Records that came into the log, a second, while it was looked at.
    pub arrived_per_second: f64,
    /// Records that it took, a second, while it was looked at.
    pub projected_per_second: f64,
    /// Partitions that are behind and that nobody holds.
    pub unheld_partitions: Vec<u32>,
    /// Those that say that they follow it.
    pub processes: Vec<ProcessFacts>,
    /// Sessions that wait for its checkpoints or tables.
    pub waits: Vec<LockWait>,
    /// Streams that stand still in it.
    pub parked: ParkedFacts,
    /// The generation that serves, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serving: Option<ServingFacts>,
    /// A generation that is built stands still while the serving one is more records behind than this.
    pub rebuild_yields_at: u64,
}

/// A process that says that it follows the generation.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessFacts {
    /// Its number in `control.projector`.
    pub id: i32,
    /// Host and process.
    pub name: String,
    /// Since it last looked in.
    pub seen_seconds_ago: f64,
    /// Partitions that it holds.
    pub partitions: u32,
    /// Where its time went.
    pub timings: Timings,
}

/// Where the time of a process went between its last two looks; milliseconds, except for the counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Timings {
    /// Between the two looks.
    pub interval_ms: f64,
    /// Waiting for records of the log.
    pub fetch_ms: f64,
    /// Making events of them.
    pub decode_ms: f64,
    /// Making rows of events.
    pub apply_ms: f64,
    /// Waiting for the rows of its checkpoints.
    pub lock_wait_ms: f64,
    /// Writing rows.
    pub write_ms: f64,
    /// Committing.
    pub commit_ms: f64,
    /// With nothing to do.
    pub idle_ms: f64,
    /// Events that it projected.
    pub events: u64,
    /// Transactions that it committed.
    pub transactions: u64,
    /// The part of the time that it may work, in percent; less than all of it while it builds and queries are slow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_percent: Option<u32>,
}

/// A session that waits for another one.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LockWait {
    /// The server process that waits.
    pub pid: i32,
    /// For how long.
    pub seconds: f64,
    /// The server process that it waits for.
    pub blocked_by: i32,
    /// How that one calls itself.
    pub application: String,
    /// What that one does: its state, and the beginning of its statement.
    pub doing: String,
    /// How long its transaction has been open.
    pub open_seconds: f64,
    /// It is changing which generation serves.
    pub is_promoting: bool,
}

/// Streams that stand still.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParkedFacts {
    /// How many.
    pub streams: u64,
    /// The one that stands longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The generation that serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServingFacts {
    /// Its schema.
    pub generation: String,
    /// Records that it is behind.
    pub behind: u64,
}

impl Timings {
    /// The stages with their shares of the working time, the longest first; none when nothing was measured.
    pub fn shares(&self) -> impl Iterator<Item = (&'static str, f64)> + use<> {
        let mut stages = self.stages();
        let whole: f64 = stages.iter().map(|(_, took)| took).sum();
        stages.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let measured = whole > 0.0;
        stages
            .into_iter()
            .map(move |(stage, took)| (stage, took / whole))
            .filter(move |(_, share)| measured && *share > 0.0)
    }

    /// The part of the interval in which there was nothing to do.
    pub(super) fn idle_share(&self) -> f64 {
        if self.interval_ms > 0.0 {
            (self.idle_ms / self.interval_ms).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self {
            interval_ms: self.interval_ms + other.interval_ms,
            fetch_ms: self.fetch_ms + other.fetch_ms,
            decode_ms: self.decode_ms + other.decode_ms,
            apply_ms: self.apply_ms + other.apply_ms,
            lock_wait_ms: self.lock_wait_ms + other.lock_wait_ms,
            write_ms: self.write_ms + other.write_ms,
            commit_ms: self.commit_ms + other.commit_ms,
            idle_ms: self.idle_ms + other.idle_ms,
            events: self.events + other.events,
            transactions: self.transactions + other.transactions,
            share_percent: self.share_percent.into_iter().chain(other.share_percent).min(),
        }
    }

    fn stages(&self) -> [(&'static str, f64); 6] {
        [
            ("fetch", self.fetch_ms),
            ("decode", self.decode_ms),
            ("apply", self.apply_ms),
            ("lock wait", self.lock_wait_ms),
            ("write", self.write_ms),
            ("commit", self.commit_ms),
        ]
    }
}
