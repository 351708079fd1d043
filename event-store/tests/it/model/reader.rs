//! A reader of the log: the production rule, fed in offset order.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use event_store::acceptance::{Candidate, Digest, History, Verdict, Window};

use super::deciding::{Stream, revision};
use super::log::{CATEGORY, Content, Journal, Record, history, signed};
use super::mutant::Mutant;

/// One who reads and judges from some offset on.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// Shared between the many states in which this reader stands at the same place.
    window: Arc<Window>,
    accepted: Vec<bool>,
}

/// The window follows from the log, the start and the verdicts, and is left out where states are compared.
impl PartialEq for Reader {
    fn eq(&self, other: &Self) -> bool {
        self.start() == other.start() && self.accepted == other.accepted
    }
}

impl Eq for Reader {}

impl Hash for Reader {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.start(), &self.accepted).hash(hasher);
    }
}

impl Reader {
    pub(super) fn starting_at(start: usize, width: u64) -> Self {
        Self {
            window: Arc::new(Window::starting_at(start as u64, None, width)),
            accepted: Vec::new(),
        }
    }

    pub(super) fn start(&self) -> usize {
        usize::try_from(self.window.start()).unwrap()
    }

    pub(super) fn next(&self) -> usize {
        usize::try_from(self.window.next()).unwrap()
    }

    pub(super) fn seen(&self) -> i64 {
        self.window.seen()
    }

    /// Below this the reader knows nothing: it began later, or has forgotten.
    pub(super) fn horizon(&self) -> usize {
        let remembered = self.window.next().saturating_sub(self.window.width());
        self.start().max(usize::try_from(remembered).unwrap())
    }

    /// The last accepted offset that covers the stream, as far as the window knows.
    pub(super) fn last_covering(&self, stream: Stream) -> Option<usize> {
        let last = self.window.last_covering(stream.hash128(), CATEGORY);
        last.map(|offset| usize::try_from(offset).unwrap())
    }

    /// The verdicts on the offsets from the start on.
    pub(super) fn verdicts(&self) -> &[bool] {
        &self.accepted
    }

    pub(super) fn accepted_offsets(&self) -> impl Iterator<Item = usize> + '_ {
        let verdicts = (self.start()..).zip(&self.accepted);
        verdicts.filter_map(|(offset, accepted)| accepted.then_some(offset))
    }

    /// Judges the next record: the verdict, or nothing while there is none to judge or the journal must be waited for.
    pub(super) fn read(&mut self, log: &[Arc<Record>], journal: &Journal, mutant: Option<Mutant>) -> Option<bool> {
        let offset = self.next();
        let record = log.get(offset)?;
        let journal_suffices = journal.next >= self.start() || mutant == Some(Mutant::DoesNotWaitForTheJournal);
        let candidate = match mutant {
            Some(mutant) if mutant.bends_the_rule() => self.bent(log, record, journal, mutant),
            _ => Some(record.candidate()),
        };
        let mut known = History::default();
        if candidate.is_some_and(|candidate| self.window.needs_history(&candidate)) {
            if !journal_suffices {
                return None;
            }
            let covering = journal.last_covering(log, record, self.start(), mutant);
            known.last_covering = covering.map(|offset| offset as u64);
        }
        let verdict = Arc::make_mut(&mut self.window).judge(offset as u64, || Digest::START, candidate.as_ref(), known);
        let accepted = match verdict {
            Verdict::Accepted => true,
            Verdict::Void(_) => false,
            Verdict::Halt(reason) => panic!("a reader stopped: {reason}"),
        };
        self.accepted.push(accepted);
        Some(accepted)
    }

    /// The mutants of the rule, as candidates on which the production rule gives the mutant's verdict.
    fn bent(&self, log: &[Arc<Record>], record: &Record, journal: &Journal, mutant: Mutant) -> Option<Candidate> {
        let candidate = record.candidate();
        let newest = signed(self.next()) - 1;
        match mutant {
            Mutant::NoWindowCheck => {
                let oldest_remembered = signed(self.next()) - i64::try_from(self.window.width()).unwrap();
                let seen = candidate.seen.max(oldest_remembered);
                Some(Candidate { seen, ..candidate })
            }
            Mutant::BetweenBeginsLate => {
                let seen = newest.min(candidate.seen + 1);
                Some(Candidate { seen, ..candidate })
            }
            _ => {
                let below = journal.rows.iter().copied().filter(|offset| *offset < self.start());
                let known = history(log, below.chain(self.accepted_offsets()), record.stream);
                let fits = match record.content {
                    Content::Commit { expected, .. } => expected == revision(&known),
                    _ => true,
                };
                fits.then_some(Candidate {
                    seen: newest,
                    ..candidate
                })
            }
        }
    }
}
