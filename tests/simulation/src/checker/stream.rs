//! The past of one stream: every state it was in, from when to when, and the commands that brought it there.

use domain::{StreamId, stored};
use event_store::{LogPosition, RecordedEvent, RecordedRejection};
use uuid::Uuid;

use super::judge::{Judged, Kind, Verdict};
use super::{Checked, Violation};
use crate::history::{Attempt, History, attempt_of};
use crate::order::Simulated;

/// Everything that a stream ever was.
pub(super) struct Past<A> {
    pub(super) moments: Vec<Moment<A>>,
    /// Accepted commands in their order.
    pub(super) done: Vec<Done>,
    /// Accepted final answers in their order.
    pub(super) recorded: Vec<Recorded>,
}

/// A negative answer that an accepted fence records.
pub(super) struct Recorded {
    pub(super) offset: u64,
    pub(super) rejection: RecordedRejection,
}

/// A state, and when it was current. Time is the length of the partition.
pub(super) struct Moment<A> {
    pub(super) state: A,
    pub(super) revision: Option<u64>,
    /// How many commands had been done.
    pub(super) done: usize,
    /// How many final answers had been recorded.
    pub(super) recorded: usize,
    when: When,
}

enum When {
    /// While the partition had these lengths, both included.
    Lengths { first: u64, last: u64 },
    /// In the instant in which the record at this offset was written: between two commands of one commit.
    Within { offset: u64 },
}

/// A command that was accepted.
pub(super) struct Done {
    pub(super) attempt: usize,
    pub(super) scoped: Uuid,
    pub(super) hash: u128,
    /// Of its last event.
    pub(super) revision: u64,
    /// Of the last event of its commit.
    pub(super) at: LogPosition,
}

impl<A> Moment<A> {
    /// Was it current at some instant between two lengths of the partition?
    pub(super) fn was_between(&self, began: u64, ended: u64) -> bool {
        match self.when {
            When::Lengths { first, last } => began <= last && first <= ended,
            When::Within { offset } => began <= offset && offset < ended,
        }
    }
}

impl<A: Simulated> Past<A> {
    /// Folds the accepted commits of a stream, and says where they are not what they should be.
    pub(super) fn of(stream: &StreamId, judged: &[Judged], history: &History, checked: &mut Checked) -> Self {
        let start = Moment {
            state: A::default(),
            revision: None,
            done: 0,
            recorded: 0,
            when: When::Lengths {
                first: 0,
                last: u64::MAX,
            },
        };
        let mut past = Self {
            moments: vec![start],
            done: Vec::new(),
            recorded: Vec::new(),
        };
        for record in judged {
            let Kind::Commit {
                name,
                covers_category: false,
                is_fence,
                rejections,
                events,
                ..
            } = &record.kind
            else {
                continue;
            };
            if record.verdict != Verdict::Accepted || name != stream.as_str() {
                continue;
            }
            match events {
                Ok(_) if *is_fence => past.record(record.offset, rejections),
                Ok(events) => past.add(record.offset, events, history, checked),
                Err(error) => checked.violations.push(Violation::Defect {
                    attempt: None,
                    what: format!("offset {} of {stream} cannot be read: {error}", record.offset),
                }),
            }
        }
        past
    }

    /// The last moment ends with the record at this offset.
    fn end_moment(&mut self, offset: u64) {
        if let Some(Moment {
            when: When::Lengths { last, .. },
            ..
        }) = self.moments.last_mut()
        {
            *last = offset;
        }
    }

    fn record(&mut self, offset: u64, rejections: &[RecordedRejection]) {
        self.end_moment(offset);
        let recorded = rejections.iter().cloned();
        self.recorded
            .extend(recorded.map(|rejection| Recorded { offset, rejection }));
        if let Some(before) = self.moments.last() {
            let after = Moment {
                state: before.state.clone(),
                revision: before.revision,
                done: self.done.len(),
                recorded: self.recorded.len(),
                when: When::Lengths {
                    first: offset + 1,
                    last: u64::MAX,
                },
            };
            self.moments.push(after);
        }
    }

    fn add(&mut self, offset: u64, events: &[RecordedEvent], history: &History, checked: &mut Checked) {
        let Some(last) = events.last() else { return };
        self.end_moment(offset);
        for (index, command) in events
            .chunk_by(|one, other| one.metadata.correlation_id == other.metadata.correlation_id)
            .enumerate()
        {
            if index > 0
                && let Some(moment) = self.moments.last_mut()
            {
                moment.when = When::Within { offset };
            }
            self.add_command(offset, last.at, command, history, checked);
        }
    }

    fn add_command(
        &mut self,
        offset: u64,
        at: LogPosition,
        events: &[RecordedEvent],
        history: &History,
        checked: &mut Checked,
    ) {
        let (Some(before), Some(last)) = (self.moments.last(), events.last()) else {
            return;
        };
        let stream = last.stream.to_string();
        let mut state = before.state.clone();
        let mut revision = before.revision;
        let attempt =
            attempt_of(&last.metadata.correlation_id).and_then(|number| Some((number, history.attempts.get(number)?)));
        let what = match attempt {
            None => Some("nobody sent it".to_owned()),
            Some((_, attempt)) => difference(&state, attempt, events),
        };
        if let Some(what) = what {
            let stream = stream.clone();
            checked
                .violations
                .push(Violation::DecidedOnAnotherHistory { stream, offset, what });
        }
        for event in events {
            let expected = revision.map_or(0, |revision| revision + 1);
            if event.revision != expected {
                let (stream, found) = (stream.clone(), event.revision);
                checked.violations.push(Violation::RevisionGap {
                    stream,
                    offset,
                    expected,
                    found,
                });
            }
            revision = Some(event.revision);
            if let Some(event) = stored::decode(&event.event_type, &event.data)
                .ok()
                .and_then(|event| A::Event::try_from(event).ok())
            {
                state.evolve(&event);
            }
        }
        let scoped = last.metadata.scoped_command();
        if let Some(first) = self.done.iter().find(|done| done.scoped == scoped) {
            checked.violations.push(Violation::Doubled {
                command: last.metadata.command_id.to_string(),
                stream,
                first: first.at.offset,
                second: offset,
            });
        }
        self.done.push(Done {
            attempt: attempt.map_or(usize::MAX, |(number, _)| number),
            scoped,
            hash: last.metadata.command_hash,
            revision: last.revision,
            at,
        });
        self.moments.push(Moment {
            state,
            revision,
            done: self.done.len(),
            recorded: self.recorded.len(),
            when: When::Lengths {
                first: offset + 1,
                last: u64::MAX,
            },
        });
    }
}

/// What the events of a command are not, but would be if it was decided on this state.
fn difference<A: Simulated>(state: &A, attempt: &Attempt, events: &[RecordedEvent]) -> Option<String> {
    let command = &attempt.command;
    let first = events.first()?;
    if command.scoped() != first.metadata.scoped_command()
        || command.hash != first.metadata.command_hash
        || command.target.stream != first.stream
    {
        return Some("its command is not the one that was sent".to_owned());
    }
    match state.decide(A::command(&command.order)?, &attempt.context()) {
        Err(refusal) => Some(format!("{:?} is refused there: {refusal}", command.order)),
        Ok(caused) => {
            let caused: Vec<_> = caused.into_iter().map(|event| stored::encode(&event.into())).collect();
            let same = caused.len() == events.len()
                && caused.iter().zip(events).all(|(caused, event)| {
                    caused.event_type == event.event_type && caused.data.get() == event.data.get()
                });
            (!same).then(|| format!("{:?} causes {caused:?}", command.order))
        }
    }
}
