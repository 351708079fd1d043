//! Decides a batch: each command on the state with the earlier ones of the batch applied. Pure.

use std::collections::HashMap;

use domain::{Aggregate, EventId, RefusalKind, StreamId, stored};
use event_store::{CommittedCommand, NewEvent};
use uuid::Uuid;

use super::Submission;
use super::cache::{Entry, KnownCommand};
use super::negative::Negative;
use super::outcome::{Answer, Effect, Refused, Rejection};

/// What comes of one command of a batch.
pub(super) enum Verdict {
    /// Its events go into the commit; the revision of the last of them.
    Events { revision: u64 },
    /// Nothing to do on a state at this revision.
    Nothing { revision: Option<u64> },
    /// Done by an earlier attempt, perhaps earlier in this batch.
    Repeated(KnownCommand),
    /// Answered for good, by an earlier attempt.
    Final(Negative),
    /// Not taken.
    Rejected(Rejection),
}

/// A decided batch.
pub(super) struct Decided<A: Aggregate> {
    /// One for each command, in order.
    pub(super) verdicts: Vec<Verdict>,
    /// What goes into the commit; nothing when no command caused events.
    pub(super) commands: Vec<CommittedCommand>,
    /// The state after the commit.
    pub(super) state: A,
    /// The commands of the commit, by scoped id.
    pub(super) known: HashMap<Uuid, KnownCommand>,
}

/// Decides all commands in order.
pub(super) fn decide_all<'a, A: Aggregate>(
    entry: &Entry<A>,
    stream: &StreamId,
    batch: impl ExactSizeIterator<Item = &'a Submission<A::Command>>,
) -> Decided<A> {
    let mut decider = Decider {
        entry,
        stream,
        revision: entry.basis.revision,
        decided: Decided::on(entry, batch.len()),
    };
    for submission in batch {
        let verdict = decider.decide(submission);
        decider.decided.verdicts.push(verdict);
    }
    decider.decided
}

impl<A: Aggregate> Decided<A> {
    fn on(entry: &Entry<A>, length: usize) -> Self {
        Self {
            verdicts: Vec::with_capacity(length),
            commands: Vec::with_capacity(length),
            state: entry.state.clone(),
            known: HashMap::new(),
        }
    }
}

struct Decider<'a, A: Aggregate> {
    entry: &'a Entry<A>,
    stream: &'a StreamId,
    revision: Option<u64>,
    decided: Decided<A>,
}

impl<A: Aggregate> Decider<'_, A> {
    fn decide(&mut self, submission: &Submission<A::Command>) -> Verdict {
        let scoped = submission.stamp.scoped_command();
        if let Some(known) = self
            .decided
            .known
            .get(&scoped)
            .or_else(|| self.entry.commands.get(&scoped))
        {
            return if known.hash == submission.stamp.command_hash {
                Verdict::Repeated(*known)
            } else {
                Verdict::Rejected(Rejection::KeyReused)
            };
        }
        if let Some(known) = self.entry.rejections.get(&scoped) {
            return if known.hash == submission.stamp.command_hash {
                Verdict::Final(known.answer.clone())
            } else {
                Verdict::Rejected(Rejection::KeyReused)
            };
        }
        let decision = self.decided.state.decide(&submission.command, &submission.context());
        if !submission.expected.allows(self.revision) {
            // The current revision is told only to those who may act on the stream at all.
            return Verdict::Rejected(match decision {
                Err(refusal) if hides_revision(domain::Refusal::kind(&refusal)) => {
                    Rejection::Refused(Refused::from_refusal(&refusal))
                }
                _ => Rejection::Conflict {
                    current: self.revision,
                    is_final: false,
                },
            });
        }
        match decision {
            Err(refusal) => Verdict::Rejected(Rejection::Refused(Refused::from_refusal(&refusal))),
            Ok(events) if events.is_empty() => Verdict::Nothing {
                revision: self.revision,
            },
            Ok(events) => self.accept(submission, scoped, events),
        }
    }

    fn accept(&mut self, submission: &Submission<A::Command>, scoped: Uuid, events: Vec<A::Event>) -> Verdict {
        let first = self.revision.map_or(0, |revision| revision + 1);
        let revision = first + (events.len() as u64) - 1;
        self.revision = Some(revision);
        let mut new_events = Vec::with_capacity(events.len());
        for (index, event) in events.into_iter().enumerate() {
            self.decided.state.evolve(&event);
            let encoded = stored::encode(&event.into());
            new_events.push(NewEvent {
                id: EventId::derived(scoped, self.stream.as_str(), index),
                event_type: encoded.event_type.to_owned(),
                time: submission.at,
                data: encoded.data,
            });
        }
        let known = KnownCommand {
            hash: submission.stamp.command_hash,
            revision,
            at: None,
        };
        self.decided.known.insert(scoped, known);
        self.decided.commands.push(CommittedCommand {
            stamp: submission.stamp.clone(),
            events: new_events,
        });
        Verdict::Events { revision }
    }
}

fn hides_revision(kind: RefusalKind) -> bool {
    matches!(
        kind,
        RefusalKind::Forbidden | RefusalKind::NotFound | RefusalKind::Deleted
    )
}

impl Verdict {
    /// The answer, once it is proven. `last` is the place of the newest event: of the commit that was accepted, or of
    /// the state that was confirmed.
    pub(super) fn into_answer(self, last: Option<event_store::LogPosition>) -> Result<Answer, Rejection> {
        match self {
            Self::Events { revision } => Ok(Answer {
                effect: Effect::Done,
                revision: Some(revision),
                at: last,
                is_final: false,
            }),
            Self::Nothing { revision } => Ok(Answer {
                effect: Effect::NothingToDo,
                revision,
                at: last,
                is_final: false,
            }),
            Self::Repeated(known) => Ok(Answer {
                effect: Effect::AlreadyDone,
                revision: Some(known.revision),
                at: known.at.or(last),
                is_final: false,
            }),
            Self::Final(negative) => negative.into_answer(last),
            Self::Rejected(rejection) => Err(rejection),
        }
    }
}
