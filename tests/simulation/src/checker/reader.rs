//! The journal and every reader against the history that the checker found.

use std::collections::BTreeMap;

use event_store::RecordedEvent;

use super::judge::{Judged, Kind, Verdict};
use super::{Checked, Violation};
use crate::world::Observed;

/// What makes two events the same.
type Identity = (String, u64, String, String, String);

fn identity(event: &RecordedEvent) -> Identity {
    let metadata = &event.metadata;
    (
        event.stream.to_string(),
        event.revision,
        format!("{:?} {} {}", event.at, event.id, event.event_type),
        format!(
            "{} {:x} {}",
            metadata.command_id, metadata.command_hash, metadata.correlation_id
        ),
        event.data.get().to_owned(),
    )
}

/// Compares them all.
pub(super) fn check(judged: &[Judged], observed: &Observed, checked: &mut Checked) {
    let accepted: Vec<&RecordedEvent> = judged
        .iter()
        .filter(|record| record.verdict == Verdict::Accepted)
        .filter_map(|record| match &record.kind {
            Kind::Commit { events: Ok(events), .. } => Some(events),
            _ => None,
        })
        .flatten()
        .collect();
    if observed.quiet {
        compare("the journal", &accepted, observed.journal.iter(), checked);
        for (event, position) in observed.journal.iter().zip(1_u64..) {
            if event.position.map(|found| found.0) != Some(position) {
                let what = format!("position {position} is given as {:?}", event.position);
                checked.violations.push(Violation::ReaderDiffers {
                    reader: "the journal".to_owned(),
                    what,
                });
                break;
            }
        }
    }
    for reader in &observed.readers {
        match &reader.events {
            Err(error) => checked.violations.push(Violation::ReaderDiffers {
                reader: reader.name.clone(),
                what: error.clone(),
            }),
            Ok(events) => {
                let from = &reader.from;
                let expected: Vec<_> = accepted
                    .iter()
                    .copied()
                    .filter(|event| event.at.offset >= from.next(event.at.partition))
                    .collect();
                compare(&reader.name, &expected, events.iter(), checked);
            }
        }
    }
}

/// The order counts within each stream.
fn compare<'a>(
    reader: &str,
    expected: &[&RecordedEvent],
    found: impl Iterator<Item = &'a RecordedEvent>,
    checked: &mut Checked,
) {
    let expected = by_stream(expected.iter().copied());
    let found = by_stream(found);
    let streams = expected
        .keys()
        .chain(found.keys().filter(|stream| !expected.contains_key(*stream)));
    for stream in streams {
        let nothing = Vec::new();
        let (expected, found) = (
            expected.get(stream).unwrap_or(&nothing),
            found.get(stream).unwrap_or(&nothing),
        );
        if expected != found {
            let differs = expected
                .iter()
                .zip(found)
                .position(|(expected, found)| expected != found);
            let at = differs.unwrap_or(expected.len().min(found.len()));
            let what = format!(
                "{stream} has {} events and not {}; they differ from {at} on",
                found.len(),
                expected.len()
            );
            checked.violations.push(Violation::ReaderDiffers {
                reader: reader.to_owned(),
                what,
            });
        }
    }
}

fn by_stream<'a>(events: impl Iterator<Item = &'a RecordedEvent>) -> BTreeMap<String, Vec<Identity>> {
    let mut streams: BTreeMap<String, Vec<Identity>> = BTreeMap::new();
    for event in events {
        streams
            .entry(event.stream.to_string())
            .or_default()
            .push(identity(event));
    }
    streams
}
