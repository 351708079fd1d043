//! Which interesting cases were met. A simulation that never met one proves nothing about it.

use std::collections::BTreeMap;

/// A case that a run must meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Case {
    Superseded,
    WindowExpired,
    DuplicateLanded,
    DecidedAgain,
    SeveralInOneCommit,
    UnknownOutcome,
    NobodyAnswered,
    NotApplied,
    BackPressure,
    Refused,
    NothingToDo,
    Conflict,
    AlreadyDone,
    KeyReused,
    TooLarge,
    DeliveredUnread,
    JournalWaitedFor,
    JournalRestored,
    JournalerStopped,
    JournalerHeld,
    SecondJournaler,
    Crashed,
    CrashedInFlight,
    Paused,
    StaleEnd,
    OldRefusal,
    FencePlaced,
    FenceVoid,
    FencedOut,
    FinalAnswer,
    FinalAnswerRepeated,
    ClientWentAway,
}

impl Case {
    /// Every case with what it means to a reader.
    pub const ALL: [(Self, &'static str); 32] = [
        (
            Self::Superseded,
            "commits void because another one of the stream came first",
        ),
        (
            Self::WindowExpired,
            "commits void because they came too late for the window",
        ),
        (Self::DuplicateLanded, "records that the log wrote twice"),
        (
            Self::DecidedAgain,
            "attempts that were decided again after a void commit",
        ),
        (Self::SeveralInOneCommit, "accepted commits with several commands"),
        (Self::UnknownOutcome, "attempts answered with 'unknown'"),
        (Self::NobodyAnswered, "attempts whose answer never reached the client"),
        (Self::NotApplied, "attempts answered with 'not applied, try again'"),
        (Self::BackPressure, "attempts turned away because a bound was reached"),
        (Self::Refused, "refusals by a rule of the domain"),
        (Self::NothingToDo, "answers 'nothing to do'"),
        (Self::Conflict, "conflicts with the revision that the client expected"),
        (
            Self::AlreadyDone,
            "retries answered with what an earlier attempt had done",
        ),
        (Self::KeyReused, "command ids used again with other content, refused"),
        (Self::TooLarge, "commands larger than the log takes"),
        (
            Self::DeliveredUnread,
            "records whose delivery was reported before their node had read them",
        ),
        (Self::JournalWaitedFor, "waits of a node for the journal"),
        (Self::JournalRestored, "journals put back to an older state"),
        (Self::JournalerStopped, "journalers stopped in the middle of their work"),
        (Self::JournalerHeld, "journalers held for a while"),
        (Self::SecondJournaler, "journalers started beside another one"),
        (Self::Crashed, "crashes of a node"),
        (Self::CrashedInFlight, "of these, with a commit in flight"),
        (Self::Paused, "pauses of a node"),
        (Self::StaleEnd, "ends of a partition told by a deposed leader"),
        (
            Self::OldRefusal,
            "refusals that were true only before their attempt, as a deposed leader allows",
        ),
        (Self::FencePlaced, "fences placed"),
        (
            Self::FenceVoid,
            "fences void because another commit or fence came first",
        ),
        (Self::FencedOut, "commits void because of a fence"),
        (
            Self::FinalAnswer,
            "answers 'no' that are recorded in the log, and so final",
        ),
        (Self::FinalAnswerRepeated, "final answers repeated to a later attempt"),
        (Self::ClientWentAway, "commands that their client gave up"),
    ];
}

/// How often each case was met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<Case, u64>);

impl Coverage {
    /// Met once more.
    pub fn met(&mut self, case: Case) {
        self.add(case, 1);
    }

    /// Met so many times more.
    pub fn add(&mut self, case: Case, times: u64) {
        *self.0.entry(case).or_insert(0) += times;
    }

    /// How often.
    pub fn count(&self, case: Case) -> u64 {
        self.0.get(&case).copied().unwrap_or(0)
    }

    /// Takes over what another world met.
    pub fn merge(&mut self, other: &Self) {
        for (case, times) in &other.0 {
            self.add(*case, *times);
        }
    }

    /// Cases that were never met.
    pub fn missing(&self) -> Vec<&'static str> {
        Case::ALL
            .iter()
            .filter(|(case, _)| self.count(*case) == 0)
            .map(|(_, meaning)| *meaning)
            .collect()
    }
}
