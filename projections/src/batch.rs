//! From a piece of the log to the changes of rows. No IO: what comes out depends only on the subjects and events that go in.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use domain::StreamId;
use event_store::{Cut, FollowBatch, RecordedEvent};
use foldhash::fast::RandomState;

use crate::coalesce::CoalescedChanges;
use crate::error::{EventName, PoisonFault, ProjectionError};
use crate::gaps::Gaps;
use crate::operation::RowOperations;
use crate::projector::{DecodedEvent, Projector};
use crate::subject::{SUBJECT_TABLE, Subject, SubjectChange};

/// Bytes that an event takes besides its data, roughly.
const EVENT_OVERHEAD_BYTES: usize = 512;

/// Decoded events that are applied together, and how far the log is covered after them.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    /// In log order within each partition.
    pub events: Vec<DecodedEvent>,
    /// Events that were given up, each with the number of `events` that come before it.
    pub given_up: Vec<(usize, RecordedEvent)>,
    /// Their size, roughly.
    pub bytes: usize,
    /// Next offsets of the partitions that move.
    pub to: Cut,
    /// The latest time at which the log took one of them, by partition.
    pub recorded_at: BTreeMap<u32, DateTime<Utc>>,
}

impl Piece {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.given_up.is_empty()
    }

    fn add_record(&mut self, record: Vec<ReadEvent>) {
        for event in record {
            let recorded = match &event {
                ReadEvent::Decoded(event) => &event.recorded,
                ReadEvent::GivenUp(event) => event,
            };
            self.bytes += recorded.data.get().len() + EVENT_OVERHEAD_BYTES;
            self.to.raise(recorded.at.partition, recorded.at.offset + 1);
            let latest = self
                .recorded_at
                .entry(recorded.at.partition)
                .or_insert(recorded.recorded_at);
            *latest = recorded.recorded_at.max(*latest);
            match event {
                ReadEvent::Decoded(event) => self.events.push(event),
                ReadEvent::GivenUp(event) => self.given_up.push((self.events.len(), event)),
            }
        }
    }
}

/// What becomes of an event that is read.
enum ReadEvent {
    Decoded(DecodedEvent),
    GivenUp(RecordedEvent),
}

/// Leaves out what lies at or behind a cut.
pub(crate) fn trim(batch: &mut FollowBatch, below: &Cut) {
    batch
        .events
        .retain(|event| event.at.offset < below.next(event.at.partition));
    batch.cut = batch
        .cut
        .iter()
        .map(|(partition, next)| (partition, next.min(below.next(partition))))
        .collect();
}

/// Decodes what the log returned and cuts it into pieces of about `max_events` and `max_bytes`, between records.
///
/// What waits in the gaps is left out, and what was given up is not decoded. An event that cannot be decoded ends the pieces with an error;
/// everything before its record comes first.
pub fn pieces(
    mut batch: FollowBatch,
    gaps: &Gaps,
    max_events: usize,
    max_bytes: usize,
) -> (Vec<Piece>, Option<ProjectionError>) {
    let mut pieces = Vec::new();
    let mut piece = Piece::default();
    batch.events.retain(|event| !gaps.hold(event));
    let read = |event: RecordedEvent| {
        if gaps.lack(&event) {
            Ok(ReadEvent::GivenUp(event))
        } else {
            decode(event).map(ReadEvent::Decoded)
        }
    };
    let mut events = batch.events.into_iter().peekable();
    while let Some(first) = events.next() {
        let place = (first.at.partition, first.at.offset);
        let mut record = vec![first];
        while let Some(next) = events.next_if(|next| (next.at.partition, next.at.offset) == place) {
            record.push(next);
        }
        match record.into_iter().map(read).collect::<Result<Vec<_>, _>>() {
            Ok(record) => piece.add_record(record),
            Err(error) => {
                pieces.extend((!piece.is_empty()).then_some(piece));
                return (pieces, Some(error));
            }
        }
        if piece.events.len() >= max_events || piece.bytes >= max_bytes {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    // Void records move the cut too, and only the last piece may claim them.
    piece.to.merge(&batch.cut);
    pieces.push(piece);
    (pieces, None)
}

/// What an event says; poison when it cannot be read.
pub(crate) fn decode(recorded: RecordedEvent) -> Result<DecodedEvent, ProjectionError> {
    match domain::stored::decode(&recorded.event_type, &recorded.data) {
        Ok(domain) => Ok(DecodedEvent { recorded, domain }),
        Err(error) => Err(ProjectionError::poison(EventName::of(&recorded), error)),
    }
}

/// Applies a piece, as [`fold`] does.
pub(crate) fn fold_piece<S: BuildHasher>(
    projectors: &[Box<dyn Projector>],
    subjects: &mut HashMap<StreamId, Subject, S>,
    piece: &Piece,
    changes: &mut CoalescedChanges,
) -> Result<(), ProjectionError> {
    let mut from = 0;
    for (to, event) in &piece.given_up {
        fold(
            projectors,
            subjects,
            piece.events.get(from..*to).unwrap_or_default(),
            changes,
        )?;
        pass_over(subjects, event, changes)?;
        from = *to;
    }
    fold(
        projectors,
        subjects,
        piece.events.get(from..).unwrap_or_default(),
        changes,
    )
}

/// Applies events in order: subjects go forward, and the changes get what the projectors want done to rows.
/// After an error both are to be thrown away.
pub fn fold<S: BuildHasher>(
    projectors: &[Box<dyn Projector>],
    subjects: &mut HashMap<StreamId, Subject, S>,
    events: &[DecodedEvent],
    changes: &mut CoalescedChanges,
) -> Result<(), ProjectionError> {
    let mut operations = RowOperations::default();
    let mut touched = HashMap::<_, _, RandomState>::default();
    for event in events.iter().filter(|event| Subject::exists_for(&event.domain)) {
        let stream = &event.recorded.stream;
        let before = subjects.remove(stream);
        let blame = |fault: PoisonFault| ProjectionError::poison(EventName::of(&event.recorded), fault);
        let after = project(projectors, before.as_ref(), event, &mut operations).map_err(blame)?;
        for operation in operations.drain() {
            changes.add(operation).map_err(|fault| blame(fault.into()))?;
        }
        subjects.insert(stream.clone(), after);
        touched.entry(stream).or_insert((before.is_none(), &event.recorded)).1 = &event.recorded;
    }
    // Once a stream, not once an event: only what it is in the end gets into its row.
    for (stream, (begun, last)) in touched {
        match subjects.get(stream) {
            Some(subject) if begun => operations.create(&SUBJECT_TABLE, subject.key(), subject.columns()),
            Some(subject) => operations.insert(&SUBJECT_TABLE, subject.key(), subject.columns()),
            None => {}
        }
        for operation in operations.drain() {
            let blame = |fault| ProjectionError::poison(EventName::of(last), PoisonFault::Operation(fault));
            changes.add(operation).map_err(blame)?;
        }
    }
    Ok(())
}

/// What one event does. A panic of a projector is a fault of this event and of no other.
fn project(
    projectors: &[Box<dyn Projector>],
    before: Option<&Subject>,
    event: &DecodedEvent,
    operations: &mut RowOperations,
) -> Result<Subject, PoisonFault> {
    // Whatever a panic leaves half-done in the operations is thrown away with them.
    let projected = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let after = advance(before, event)?;
        let change = SubjectChange { before, after: &after };
        for projector in projectors {
            projector.project(&change, event, operations);
        }
        Ok(after)
    }));
    projected.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(PoisonFault::Panicked(text.unwrap_or_default()))
    })
}

/// Goes on past an event that was given up: only the subject's revision moves.
pub(crate) fn pass_over<S: BuildHasher>(
    subjects: &mut HashMap<StreamId, Subject, S>,
    event: &RecordedEvent,
    changes: &mut CoalescedChanges,
) -> Result<(), ProjectionError> {
    let Some(subject) = subjects.get_mut(&event.stream) else {
        // Nothing has begun the stream, and nothing that comes after can make a row of it.
        return Ok(());
    };
    subject.revision = event.revision;
    let mut operations = RowOperations::default();
    operations.insert(&SUBJECT_TABLE, subject.key(), subject.columns());
    for operation in operations.drain() {
        let blame = |fault| ProjectionError::poison(EventName::of(event), PoisonFault::Operation(fault));
        changes.add(operation).map_err(blame)?;
    }
    Ok(())
}

fn advance(before: Option<&Subject>, event: &DecodedEvent) -> Result<Subject, PoisonFault> {
    let Some(before) = before else {
        return Ok(Subject::begin(event)?);
    };
    let mut after = before.clone();
    after.evolve(event)?;
    Ok(after)
}
