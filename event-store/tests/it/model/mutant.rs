//! The protocol with one thing wrong. Each is a mistake that looks harmless.

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutant {
    /// `o - seen <= W` is not asked, while readers still remember only the last `W` offsets.
    NoWindowCheck,
    /// "Strictly between" begins one offset too late: what lies at `seen + 1` is not found.
    BetweenBeginsLate,
    /// A commit is accepted iff its expected revision is the stream's; `seen` is ignored.
    ByExpectedRevision,
    /// Done is answered when the log has confirmed the record, before it was read back and judged.
    DoneOnDelivery,
    /// A node that has waited long enough for its record decides again, as if that were void.
    DoesNotWaitForItsRecord,
    /// "No" is answered at once, not after reading to the end and deciding again.
    RefusesFromStaleState,
    /// `seen` is the node's position when it decides, not what was captured when the load began.
    SeenIsPosition,
    /// A load asks only its window how far the journal must be, not where the window begins.
    LoadWaitsByWindowOnly,
    /// Accepted fences get no rows in the journal.
    FencesAreNotJournaled,
    /// For a category fence the journal answers with commits too, which do not stand in its way.
    CategoryFenceYieldsToCommits,
    /// "No" is answered at once when it was decided on top of an own commit still in flight.
    RefusesOnOverlay,
    /// A reader that started ahead of the journal takes its rows for complete.
    DoesNotWaitForTheJournal,
}

impl Mutant {
    /// Does it change the verdicts themselves?
    pub(super) fn bends_the_rule(self) -> bool {
        matches!(
            self,
            Self::NoWindowCheck | Self::BetweenBeginsLate | Self::ByExpectedRevision
        )
    }
}
