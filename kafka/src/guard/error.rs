//! What the guard finds, in sentences that say what to do.

use uuid::Uuid;

/// Why a topic is not used, or not written to any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// The cluster does not answer.
    #[error("Kafka at {brokers} does not answer: {reason}")]
    Unreachable {
        /// The bootstrap servers.
        brokers: String,
        /// What the client says.
        reason: String,
    },
    /// The cluster does not let this program in, or is not the one that its certificate should name.
    #[error("Kafka at {brokers} cannot be talked to with the security settings in kafka.properties: {reason}")]
    Insecure {
        /// The bootstrap servers.
        brokers: String,
        /// What the client says; it names no secret.
        reason: String,
    },
    /// A request was refused.
    #[error("Kafka refused to {what}: {reason}")]
    Refused {
        /// The request.
        what: &'static str,
        /// The broker's word.
        reason: String,
    },
    /// A setting could harm history.
    #[error("topic {topic} has {setting} = {found} but needs {needed}; mend it with: {mend}")]
    Setting {
        /// The topic.
        topic: String,
        /// The setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        needed: String,
        /// The command that makes it so.
        mend: String,
    },
    /// Fewer copies than the configuration asks for.
    #[error(
        "partition {partition} of topic {topic} has {found} copies but needs {needed} (kafka.replication_factor); mend it with: {mend}"
    )]
    TooFewCopies {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Its copies.
        found: usize,
        /// What it must have.
        needed: u32,
        /// The command that makes it so.
        mend: String,
    },
    /// The topic is gone.
    #[error(
        "topic {topic} is not there any more: it was deleted; stop all nodes and restore the topic from an export before it is made again"
    )]
    Missing {
        /// The topic.
        topic: String,
    },
    /// Records are missing from the beginning.
    #[error(
        "partition {partition} of topic {topic} begins at offset {offset} but must begin at 0: records were deleted; restore the topic from an export"
    )]
    Truncated {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Its first offset.
        offset: i64,
    },
    /// Another number of partitions than before.
    #[error(
        "topic {topic} has {found} partitions but needs {needed}: streams would be cut in two, and no command takes a partition away; \
         export into a new topic and import there"
    )]
    Regrown {
        /// The topic.
        topic: String,
        /// Its partitions.
        found: u32,
        /// Those that it was opened with.
        needed: u32,
    },
    /// The first record says that this is another log.
    #[error(
        "partition {partition} of topic {topic} begins with {found} but needs the pin of log {needed}: the topic was deleted and made \
         again; stop all nodes, restore the topic from an export"
    )]
    Recreated {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// What its first record is.
        found: String,
        /// The log that was opened.
        needed: Uuid,
    },
    /// Records are missing from the end.
    #[error(
        "partition {partition} of topic {topic} ends at offset {end} but this process has seen it end at {seen}: records were lost; \
         stop all nodes, compare the topic with its backup"
    )]
    LostSuffix {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Its end.
        end: u64,
        /// What the end was before.
        seen: u64,
    },
}

impl GuardError {
    /// A cluster that is still settling says such things.
    pub(super) fn may_pass(&self) -> bool {
        self.is_no_answer() || matches!(self, Self::Missing { .. })
    }

    /// The question was not answered: that says nothing about the topic.
    pub(super) fn is_no_answer(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Insecure { .. } | Self::Refused { .. }
        )
    }

    /// Is history harmed for good, even when it is found but once? A broker that was deposed and does not know it may give an end that is
    /// too low, and one that is starting may not know the topic; everything else cannot be said by mistake.
    pub(super) fn is_beyond_doubt(&self) -> bool {
        matches!(
            self,
            Self::Truncated { .. } | Self::Regrown { .. } | Self::Recreated { .. }
        )
    }
}
