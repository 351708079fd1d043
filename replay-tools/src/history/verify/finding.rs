//! What is wrong: a stable code, a place, a sentence.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$documentation:meta])* $name:ident = $text:literal,)*) => {
        /// What kind of thing is wrong. The texts are stable: programs branch on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$documentation])* $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable text.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// The first record of a partition is not a pin.
    NoPin = "log.no-pin",
    /// A partition is pinned to another log, or to other settings, than partition 0.
    PinDiffers = "log.pin-differs",
    /// An offset is missing.
    OffsetMissing = "log.offset-missing",
    /// A commit was decided on another history than the one in the log.
    OtherHistory = "log.other-history",
    /// A commit was decided on records that the log does not have.
    SeenAhead = "log.seen-ahead",
    /// Readers were told to stop, and nobody has ruled since.
    Stopped = "log.stopped",
    /// A record was written by a newer version of this software.
    NewerFormat = "log.newer-format",
    /// The events of an accepted commit cannot be read.
    UnreadableCommit = "log.unreadable-commit",
    /// The stream of a commit does not belong into its partition.
    WrongPartition = "stream.wrong-partition",
    /// An event does not have the revision after the one before.
    RevisionNotNext = "stream.revision-not-next",
    /// A command id has events in two places of a stream.
    CommandTwice = "stream.command-twice",
    /// An event id is there twice in a stream.
    EventIdTwice = "stream.event-id-twice",
    /// This version does not know the type of an event.
    UnknownType = "event.unknown-type",
    /// The data of an event does not fit its type.
    MalformedEvent = "event.malformed",
    /// The journal belongs to another log.
    JournalOfOtherLog = "journal.other-log",
    /// The journal has taken more than the log has.
    JournalAhead = "journal.ahead-of-log",
    /// The checkpoint's digest is not the log's.
    JournalDigest = "journal.digest-differs",
    /// An accepted event is not in the journal.
    RowMissing = "journal.row-missing",
    /// A row of the journal is not an accepted event.
    RowExtra = "journal.row-extra",
    /// A row of the journal is not what the log says.
    RowDiffers = "journal.row-differs",
    /// A row of the journal lies where its checkpoint has not come to.
    RowBeyondCheckpoint = "journal.row-beyond-checkpoint",
    /// A row of the journal contradicts itself.
    RowInconsistent = "journal.row-inconsistent",
    /// An accepted fence is not in the journal.
    FenceMissing = "journal.fence-missing",
    /// A fence of the journal was not accepted.
    FenceExtra = "journal.fence-extra",
    /// A fence of the journal is not what the log says.
    FenceDiffers = "journal.fence-differs",
    /// A negative answer that the log records is not in the journal.
    RejectionMissing = "journal.rejection-missing",
    /// A negative answer of the journal is not recorded in the log.
    RejectionExtra = "journal.rejection-extra",
    /// A negative answer of the journal is not what the log says.
    RejectionDiffers = "journal.rejection-differs",
    /// A command that was refused for good has an event after its refusal.
    RejectedHappened = "journal.rejected-happened",
    /// Two events have one global position.
    PositionTwice = "journal.position-twice",
    /// A later event of a partition has a lower global position.
    PositionOrder = "journal.position-out-of-order",
    /// A global position was given and no event has it.
    PositionMissing = "journal.position-missing",
    /// An event has a global position that was not given yet.
    PositionBeyondHead = "journal.position-beyond-head",
    /// The serving read models were folded from another history.
    ModelsOfOtherHistory = "read-models.other-history",
    /// The serving read models cover more than the log has.
    ModelsAhead = "read-models.ahead-of-log",
    /// The log cannot be folded.
    CannotFold = "read-models.cannot-fold",
    /// A row that the fold makes is not in the table.
    ModelRowMissing = "read-models.row-missing",
    /// A row of the table is not made by the fold.
    ModelRowExtra = "read-models.row-extra",
    /// A row is not what the fold makes.
    ModelRowDiffers = "read-models.row-differs",
    /// A command that a client was told is done is not in the log.
    AckedLost = "clients.acked-lost",
    /// A command that a client was told is done has another revision in the log.
    WrongRevision = "clients.wrong-revision",
    /// A repeated command was answered with another revision than the one it has in the log.
    ReplayDiffers = "clients.replay-differs",
    /// Two attempts of one command were both told that they did it.
    DoneTwice = "clients.done-twice",
    /// A command happened on a stream that its client did not name, or on several.
    Doubled = "clients.doubled",
    /// A command was done under a named revision and does not extend it.
    ExpectationIgnored = "clients.expectation-ignored",
    /// A command whose attempts were all answered with a certain no is in the log.
    RefusedPresent = "clients.refused-present",
    /// A command that was refused for good is in the log.
    FinalRefusalPresent = "clients.final-refusal-present",
    /// Two contents under one command id were done.
    TwoContentsDone = "clients.two-contents-done",
    /// An attempt that began after its command was done was answered otherwise.
    Forgotten = "clients.forgotten",
    /// A command that began after another one was answered has a lower revision.
    Order = "clients.order",
    /// An answer names a revision that was not the stream's at any moment of the attempt.
    ImpossibleRevision = "clients.impossible-revision",
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Where it is. What does not apply is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Partition of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// Offset in the partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Revision in the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Table of the read models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Key of its row, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Client, as the clients' log names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Line of the clients' log, counted over all files, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Command id as the client sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_id: Option<String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What kind of thing.
    pub code: Code,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// In words.
    pub sentence: String,
}

impl Finding {
    /// Without a place.
    pub fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self {
            code,
            place: Place::default(),
            sentence: sentence.into(),
        }
    }

    /// At a record of the log.
    #[must_use]
    pub fn at(mut self, partition: u32, offset: u64) -> Self {
        self.place.partition = Some(partition);
        self.place.offset = Some(offset);
        self
    }

    /// In a partition.
    #[must_use]
    pub fn in_partition(mut self, partition: u32) -> Self {
        self.place.partition = Some(partition);
        self
    }

    /// On a stream.
    #[must_use]
    pub fn on(mut self, stream: impl Into<String>) -> Self {
        self.place.stream = Some(stream.into());
        self
    }

    /// At a revision of the stream.
    #[must_use]
    pub fn revision(mut self, revision: u64) -> Self {
        self.place.revision = Some(revision);
        self
    }
}

/// All findings: each counted, the first of each kind kept.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    limit: usize,
    kept: Vec<Finding>,
    counts: BTreeMap<Code, u64>,
}

impl Findings {
    /// Keeps at most `limit` of each kind.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.code).or_insert(0);
        *count += 1;
        if usize::try_from(*count).is_ok_and(|count| count <= self.limit) {
            self.kept.push(finding);
        }
    }

    /// Is everything in order up to now?
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many of each kind.
    pub fn counts(&self) -> &BTreeMap<Code, u64> {
        &self.counts
    }

    /// Those that were kept, in the order of their discovery.
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }
}
