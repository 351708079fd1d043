//! The acceptance rule: how readers of a plain log agree on which commits are history.
//!
//! > Read a partition in offset order. The commit at offset `o` is accepted iff `o - seen <= W` and no accepted commit of the
//! > same stream, and no accepted fence that covers it, lies strictly between `seen` and `o`. Otherwise it is void, for ever
//! > and for everybody.
//!
//! Pure: no IO, no clock, no stream state. A reader feeds every record of a partition to a [`Window`] in offset order. The
//! window remembers the last `W` offsets; what a reader that starts in the middle cannot know, it asks the journal
//! ([`Window::needs_history`]).
//!
//! Why it is strict: `seen` says through which offset the state that was decided on is complete. If the commit is accepted, no
//! accepted commit of the stream lies after `seen` and before it, so it extends exactly the history that its author saw.
//! Duplicates and late arrivals of an accepted commit are void by the same sentence: the first copy lies between.

use std::collections::{BTreeMap, HashMap, VecDeque};

mod digest;
mod ruling;

pub use digest::{Digest, chain};
pub use ruling::{Ruled, Ruling, Rulings};

/// Version of this rule; a reader that meets a newer one stops.
pub const RULE_VERSION: u32 = 1;

/// `W`: how far, in offsets, a commit may lie behind the state it was decided on. Pinned in the log.
pub const DEFAULT_WINDOW: u64 = 65_536;

/// What a record asks to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// 128-bit hash of the stream; meaningless for a category fence.
    pub stream: u128,
    /// 128-bit hash of the stream's category.
    pub category: u128,
    /// The offset through which the decided-on state is complete; -1 before the first record.
    pub seen: i64,
    /// The author's running digest at `seen`.
    pub digest: Digest,
    /// What it covers once accepted.
    pub reach: Reach,
}

/// Which later commits an accepted record stands in the way of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Commits and fences of its stream: a commit, or a fence for one stream.
    Stream,
    /// Those of all streams of its category in this partition: a category fence.
    Category,
}

/// The judgement on one record. The same for every reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Part of history.
    Accepted,
    /// No effect.
    Void(VoidReason),
    /// History was lost or changed: stop this partition.
    Halt(HaltReason),
}

/// Why a record has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoidReason {
    /// `o - seen > W`.
    TooOld,
    /// An accepted commit or fence lies between `seen` and `o`.
    Superseded {
        /// Where it lies.
        by: u64,
    },
    /// Not a record of ours, or damaged before it was sent.
    Undecodable,
    /// An operator ruled so, here or about records that it was decided on.
    Ruled,
}

/// Why a reader must not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HaltReason {
    /// An offset is missing or came twice.
    OffsetGap {
        /// What should have come.
        expected: u64,
    },
    /// The author's digest at `seen` is not ours: one of us read another history.
    DigestMismatch,
    /// The author saw an offset that does not lie before its own commit: the log lost records.
    SeenBeyondOffset,
    /// A journaler has stopped here, and nobody has ruled since.
    StoppedBefore,
}

impl std::fmt::Display for HaltReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OffsetGap { expected } => write!(formatter, "offset {expected} is missing from the log"),
            Self::DigestMismatch => {
                formatter.write_str("a commit was decided on another history than the one in the log")
            }
            Self::StoppedBefore => {
                formatter.write_str("history was found to be harmed here before (`coding-agent log rulings` says how)")
            }
            Self::SeenBeyondOffset => formatter.write_str("a commit was decided on records that the log no longer has"),
        }
    }
}

/// What the journal knows below the offset at which a reader started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// Highest accepted offset below the start that covers the candidate's stream (its commits, its fences, fences of its category).
    pub last_covering: Option<u64>,
}

/// One partition as one reader has judged it.
#[derive(Debug, Clone)]
pub struct Window {
    width: u64,
    start: u64,
    next: u64,
    /// None when this reader leaves the digest to others.
    digest: Option<Digest>,
    last_of_stream: HashMap<u128, u64>,
    last_fence_of_category: HashMap<u128, u64>,
    accepted: VecDeque<(u64, Key)>,
    /// Short digests of the offsets `digests_from ..next`, newest last.
    digests: VecDeque<u64>,
    digests_from: u64,
    /// What operators have ruled, by offset.
    ruled: BTreeMap<u64, Ruled>,
}

#[derive(Debug, Clone, Copy)]
enum Key {
    Stream(u128),
    Category(u128),
}

impl Window {
    /// A reader that starts at offset `start`. With the running digest of everything below it checks every commit's
    /// digest; without, it leaves that to the readers that have it (every node and the journaler).
    pub fn starting_at(start: u64, digest: Option<Digest>, width: u64) -> Self {
        let mut digests = VecDeque::new();
        let digests_from = start.saturating_sub(1);
        if let (Some(digest), true) = (digest, start > 0) {
            digests.push_back(digest.short());
        }
        Self {
            width,
            start,
            next: start,
            digest,
            last_of_stream: HashMap::new(),
            last_fence_of_category: HashMap::new(),
            accepted: VecDeque::new(),
            digests,
            digests_from,
            ruled: BTreeMap::new(),
        }
    }

    /// The same, with the rulings of its partition. Readers of one log must have the same ones.
    #[must_use]
    pub fn under(self, ruled: BTreeMap<u64, Ruled>) -> Self {
        Self { ruled, ..self }
    }

    /// The next offset to judge; everything below is judged.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The offset at which this reader started; below it only the journal knows.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// `W`.
    pub fn width(&self) -> u64 {
        self.width
    }

    /// The running digest of everything judged, when this reader keeps it.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The last judged offset; -1 before the first.
    pub fn seen(&self) -> i64 {
        i64::try_from(self.next).unwrap_or(i64::MAX) - 1
    }

    /// The last accepted offset within the window that covers a stream.
    pub fn last_covering(&self, stream: u128, category: u128) -> Option<u64> {
        let commit = self.last_of_stream.get(&stream).copied();
        let fence = self.last_fence_of_category.get(&category).copied();
        commit.max(fence)
    }

    /// Must the journal be asked before this candidate is judged? Only for commits decided before this reader's start.
    pub fn needs_history(&self, candidate: &Candidate) -> bool {
        candidate.seen.saturating_add(1) < to_signed(self.start)
            && to_signed(self.next) - candidate.seen <= to_signed(self.width)
            && self.last_covering_candidate(candidate).is_none()
    }

    /// Judges the record at `offset` and moves on. `content` is the digest of the record itself, asked for when it is kept.
    ///
    /// `candidate` is none for records that are no commit (pins, foreign bytes): they are void but count as offsets.
    /// `history` is looked at only where [`Self::needs_history`] says so.
    pub fn judge(
        &mut self,
        offset: u64,
        content: impl FnOnce() -> Digest,
        candidate: Option<&Candidate>,
        history: History,
    ) -> Verdict {
        if self.ruled.get(&self.next) == Some(&Ruled::Stop) {
            return Verdict::Halt(HaltReason::StoppedBefore);
        }
        if offset != self.next {
            if self.ruled.get(&self.next) != Some(&(Ruled::Missing { until: offset })) {
                return Verdict::Halt(HaltReason::OffsetGap { expected: self.next });
            }
            self.skip_to(offset);
        }
        let verdict = candidate.map_or(Verdict::Void(VoidReason::Undecodable), |candidate| {
            self.verdict(offset, candidate, history)
        });
        if let Verdict::Halt(_) = verdict {
            return verdict;
        }
        if let (Verdict::Accepted, Some(candidate)) = (verdict, candidate) {
            self.remember(offset, candidate);
        }
        self.advance(content);
        verdict
    }

    /// Goes over records that are not there any more. What was known of their digests is forgotten.
    fn skip_to(&mut self, offset: u64) {
        self.next = offset;
        self.digests.clear();
        self.digests.extend(self.digest.map(Digest::short));
        self.digests_from = offset.saturating_sub(1);
    }

    fn verdict(&self, offset: u64, candidate: &Candidate, history: History) -> Verdict {
        let offset_signed = to_signed(offset);
        let ruled = self.ruled.get(&offset);
        if ruled == Some(&Ruled::Void) || self.saw_what_is_missing(candidate) {
            return Verdict::Void(VoidReason::Ruled);
        }
        let compares = ruled != Some(&Ruled::Judge);
        if candidate.seen >= offset_signed {
            // Nothing can be judged by it, so ruling that it be judged does not help.
            return Verdict::Halt(HaltReason::SeenBeyondOffset);
        }
        if offset_signed - candidate.seen > to_signed(self.width) {
            return Verdict::Void(VoidReason::TooOld);
        }
        let ours = self.short_digest_at(candidate.seen).filter(|_| compares);
        if ours.is_some_and(|ours| ours != candidate.digest.short()) {
            return Verdict::Halt(HaltReason::DigestMismatch);
        }
        let between = self.last_covering_candidate(candidate).or(history.last_covering);
        match between {
            Some(by) if to_signed(by) > candidate.seen => Verdict::Void(VoidReason::Superseded { by }),
            _ => Verdict::Accepted,
        }
    }

    fn saw_what_is_missing(&self, candidate: &Candidate) -> bool {
        let before = u64::try_from(candidate.seen)
            .ok()
            .and_then(|seen| self.ruled.range(..=seen).next_back());
        matches!(before, Some((_, Ruled::Missing { until })) if to_signed(*until) > candidate.seen)
    }

    /// A category fence is itself superseded only by another fence of its category, or it could never be placed under load.
    fn last_covering_candidate(&self, candidate: &Candidate) -> Option<u64> {
        match candidate.reach {
            Reach::Stream => self.last_covering(candidate.stream, candidate.category),
            Reach::Category => self.last_fence_of_category.get(&candidate.category).copied(),
        }
    }

    fn remember(&mut self, offset: u64, candidate: &Candidate) {
        match candidate.reach {
            Reach::Stream => {
                self.last_of_stream.insert(candidate.stream, offset);
                self.accepted.push_back((offset, Key::Stream(candidate.stream)));
            }
            Reach::Category => {
                self.last_fence_of_category.insert(candidate.category, offset);
                self.accepted.push_back((offset, Key::Category(candidate.category)));
            }
        }
    }

    fn advance(&mut self, content: impl FnOnce() -> Digest) {
        if let Some(before) = self.digest {
            let after = chain(before, content());
            self.digest = Some(after);
            self.digests.push_back(after.short());
        }
        self.next += 1;
        let horizon = self.next.saturating_sub(self.width + 1);
        while let Some((offset, key)) = self.accepted.front().copied() {
            if offset >= horizon {
                break;
            }
            self.accepted.pop_front();
            let (map, hash) = match key {
                Key::Stream(hash) => (&mut self.last_of_stream, hash),
                Key::Category(hash) => (&mut self.last_fence_of_category, hash),
            };
            if map.get(&hash) == Some(&offset) {
                map.remove(&hash);
            }
        }
        while self.digests_from < horizon && self.digests.len() > 1 {
            self.digests.pop_front();
            self.digests_from += 1;
        }
    }

    fn short_digest_at(&self, seen: i64) -> Option<u64> {
        self.digest?;
        if seen < 0 {
            // Nothing was seen: every history begins with the same digest.
            return (self.start == 0).then(|| Digest::START.short());
        }
        let offset = u64::try_from(seen).ok()?;
        let index = usize::try_from(offset.checked_sub(self.digests_from)?).ok()?;
        self.digests.get(index).copied()
    }
}

fn to_signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
