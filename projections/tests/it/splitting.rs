//! The fold of a history does not depend on how it was cut into batches, and subjects agree with the domain.

use std::collections::HashMap;

use domain::task::Task;
use domain::{Aggregate as _, CommandId, DomainEvent, EventId, Role, StreamId, UserId};
use event_store::{Cut, EventMetadata, FollowBatch, LogPosition, RecordedEvent};
use projections::batch;
use projections::coalesce::{CoalescedChanges, Row};
use projections::gaps::Gaps;
use projections::operation::Key;
use projections::read_model;
use projections::subject::Subject;
use proptest::prelude::*;
use uuid::Uuid;

use crate::harness::Happened;
use crate::history::decided_at_random;

/// What the tables would hold: rows by table and key.
type Tables = HashMap<&'static str, Vec<(Key, Row)>>;

fn recorded(history: Vec<Happened>) -> Vec<RecordedEvent> {
    let mut revisions: HashMap<StreamId, u64> = HashMap::new();
    let record = |(offset, happened): (u64, Happened)| {
        let next = revisions.entry(happened.stream.clone()).or_default();
        let revision = *next;
        *next += 1;
        let encoded = domain::stored::encode(&happened.event);
        RecordedEvent {
            revision,
            id: EventId::new(Uuid::from_u128(offset.into())),
            event_type: encoded.event_type.to_owned(),
            time: happened.at,
            recorded_at: happened.at,
            data: encoded.data,
            metadata: EventMetadata {
                command_id: CommandId::from_uuid(Uuid::nil()),
                command_hash: 0,
                actor: UserId::new(Uuid::nil()),
                role: Role::User,
                correlation_id: String::new(),
                causation_id: None,
                traceparent: None,
                provenance: None,
            },
            // Two events a record.
            at: LogPosition {
                partition: happened.stream.partition(3),
                offset: offset / 2,
                index: u32::from(offset % 2 == 1),
            },
            stream: happened.stream,
            position: None,
        }
    };
    (0..).zip(history).map(record).collect()
}

fn apply(tables: &mut Tables, changes: CoalescedChanges) {
    for (table, rows) in changes.into_tables() {
        let stored = tables.entry(table.name).or_default();
        for (key, change) in rows {
            let place = stored.iter().position(|(stored, _)| *stored == key);
            let before = place.map(|place| stored.swap_remove(place).1);
            stored.extend(change.apply(table, before).map(|row| (key, row)));
        }
    }
}

fn folded(events: &[RecordedEvent], batch_sizes: &[usize]) -> (Tables, HashMap<StreamId, Subject>) {
    let projectors = read_model::all();
    let mut tables = Tables::new();
    let mut subjects = HashMap::new();
    let mut rest = events;
    for size in batch_sizes.iter().copied().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at(size.min(rest.len()));
        rest = later;
        let (pieces, error) = batch::pieces(
            FollowBatch {
                events: now.to_vec(),
                cut: Cut::start(),
            },
            &Gaps::default(),
            usize::MAX,
            usize::MAX,
        );
        assert!(error.is_none());
        for piece in pieces {
            let mut changes = CoalescedChanges::default();
            batch::fold(&projectors, &mut subjects, &piece.events, &mut changes).unwrap();
            apply(&mut tables, changes);
        }
    }
    for rows in tables.values_mut() {
        rows.sort_by_key(|(key, _)| format!("{key:?}"));
    }
    (tables, subjects)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_do_not_depend_on_the_batches(
        seed in any::<u64>(),
        sizes in prop::collection::vec(1_usize..40, 1..5),
    ) {
        let events = recorded(decided_at_random(seed, 150));
        let one_by_one = folded(&events, &[1]);
        prop_assert_eq!(&folded(&events, &sizes), &one_by_one);
        prop_assert_eq!(&folded(&events, &[usize::MAX]), &one_by_one);
    }

    #[test]
    fn a_subject_knows_what_the_task_itself_knows(seed in any::<u64>()) {
        let history = decided_at_random(seed, 150);
        let (_, subjects) = folded(&recorded(history.clone()), &[50]);
        let mut tasks: HashMap<StreamId, Task> = HashMap::new();
        for happened in &history {
            if let DomainEvent::Task(event) = &happened.event {
                tasks.entry(happened.stream.clone()).or_default().evolve(event);
            }
        }
        prop_assert!(!tasks.is_empty());
        for (stream, task) in tasks {
            let subject = &subjects[&stream];
            prop_assert_eq!(Some(subject.owner_id), task.owner());
            prop_assert_eq!(subject.title.as_str(), task.title());
            prop_assert_eq!(subject.status.as_str(), task.status().as_str());
            prop_assert_eq!(subject.task_type, task.task_type());
            prop_assert_eq!(subject.complexity, task.complexity());
            prop_assert_eq!(subject.running_execution, task.running_execution());
            prop_assert_eq!(subject.attempt + 1, i64::from(task.next_attempt()));
        }
    }

    #[test]
    fn pieces_hold_every_event_once_and_never_cut_a_record(seed in any::<u64>(), max_events in 1_usize..20) {
        let events = recorded(decided_at_random(seed, 100));
        let end: Cut = events.iter().map(|event| (event.at.partition, event.at.offset + 9)).collect();
        let (pieces, _) = batch::pieces(FollowBatch { events: events.clone(), cut: end.clone() }, &Gaps::default(), max_events, usize::MAX);
        let ids: Vec<_> = pieces.iter().flat_map(|piece| &piece.events).map(|event| event.recorded.id).collect();
        prop_assert_eq!(ids, events.iter().map(|event| event.id).collect::<Vec<_>>());
        for pair in pieces.windows(2) {
            let last = pair[0].events.last().map(|event| (event.recorded.at.partition, event.recorded.at.offset));
            let next = pair[1].events.first().map(|event| (event.recorded.at.partition, event.recorded.at.offset));
            prop_assert_ne!(last, next);
            for event in &pair[1].events {
                prop_assert!(pair[0].to.next(event.recorded.at.partition) <= event.recorded.at.offset);
            }
        }
        prop_assert_eq!(&pieces.last().unwrap().to, &end);
    }
}
