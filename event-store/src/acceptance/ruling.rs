//! Rulings: what an operator has decided about a place where readers stop.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What holds at an offset, whatever a reader would say by itself.
///
/// All but [`Self::Stop`] are an operator's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Ruled {
    /// The record is void.
    Void,
    /// The record is judged by the rule, and the history that its author says to have seen is not compared.
    Judge,
    /// From here on records are not there any more, up to the one at `until`. They are void, and so is what was decided on them.
    #[serde(rename_all = "camelCase")]
    Missing {
        /// The first offset that is there again.
        until: u64,
    },
    /// A journaler met harmed history here. Holds until somebody rules, also for readers that start later and could not see the harm.
    Stop,
}

/// One ruling, as it stands in the log's rulings. The first one on an offset counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruling {
    /// The log that it is about ([`crate::codec::Pin::log_id`]).
    pub log_id: Uuid,
    /// The partition.
    pub partition: u32,
    /// The offset at which readers stop.
    pub offset: u64,
    /// What holds there.
    #[serde(flatten)]
    pub ruled: Ruled,
    /// Why, for those who read it in years.
    pub reason: String,
    /// When it was given.
    pub at: DateTime<Utc>,
}

/// All rulings on a log. A reader reads them before its first record, so every reader applies the same.
#[derive(Debug, Clone, Default)]
pub struct Rulings {
    of_partition: HashMap<u32, BTreeMap<u64, Ruled>>,
}

impl Rulings {
    /// From the log's rulings, oldest first; those on another log count for nothing.
    pub fn new<'a>(log_id: Uuid, rulings: impl IntoIterator<Item = &'a Ruling>) -> Self {
        let mut of_partition: HashMap<u32, BTreeMap<u64, Ruled>> = HashMap::new();
        for ruling in rulings.into_iter().filter(|ruling| ruling.log_id == log_id) {
            let ruled = of_partition.entry(ruling.partition).or_default();
            let holds = ruled.entry(ruling.offset).or_insert(ruling.ruled);
            if *holds == Ruled::Stop {
                *holds = ruling.ruled;
            }
        }
        Self { of_partition }
    }

    /// What holds in a partition, by offset.
    pub fn of(&self, partition: u32) -> BTreeMap<u64, Ruled> {
        self.of_partition.get(&partition).cloned().unwrap_or_default()
    }
}
