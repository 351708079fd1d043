//! The rule, said a second time: slow, and as close to its sentence as code can be.
//!
//! > The commit at offset `o` is accepted iff `o - seen <= W`, and no accepted commit of the same stream, and no accepted
//! > fence that covers it, lies strictly between `seen` and `o`.

use std::fmt;

use event_store::acceptance::Reach;
use event_store::codec::{CommitHeader, RecordKind, decode_events, decode_header, decode_rejections};
use event_store::log::LogRecord;
use event_store::{RecordedEvent, RecordedRejection, StoreError};
use uuid::Uuid;

/// A record and what the sentence says about it.
pub(super) struct Judged {
    pub(super) partition: u32,
    pub(super) offset: u64,
    pub(super) kind: Kind,
    pub(super) verdict: Verdict,
}

/// What a record is.
pub(super) enum Kind {
    /// A pin.
    Other,
    Commit {
        id: Uuid,
        /// Whose name a stream has; for a category fence the category.
        name: String,
        category: String,
        seen: i64,
        is_fence: bool,
        covers_category: bool,
        /// The correlation ids of its commands.
        commands: Vec<String>,
        /// The negative answers that it makes final.
        rejections: Vec<RecordedRejection>,
        /// Its events, decoded.
        events: Result<Vec<RecordedEvent>, StoreError>,
        author: String,
    },
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    Superseded { by: u64, by_fence: bool },
    TooOld,
    NoCommit,
}

/// Judges a partition.
pub(super) fn judge(records: &[LogRecord], window: u64) -> Vec<Judged> {
    let mut judged: Vec<Judged> = Vec::with_capacity(records.len());
    for record in records {
        let mut next = Judged {
            partition: record.partition,
            offset: record.offset,
            kind: kind(record),
            verdict: Verdict::NoCommit,
        };
        next.verdict = verdict(&next, &judged, window);
        judged.push(next);
    }
    judged
}

fn kind(record: &LogRecord) -> Kind {
    let RecordKind::Commit(header) = decode_header(record) else {
        return Kind::Other;
    };
    let CommitHeader {
        id,
        stream,
        candidate,
        is_fence,
        author,
        ..
    } = *header.clone();
    let covers_category = candidate.reach == Reach::Category;
    let events = if is_fence {
        Ok(Vec::new())
    } else {
        decode_events(record, &header)
    };
    let mut commands: Vec<String> = events
        .iter()
        .flatten()
        .map(|event| event.metadata.correlation_id.clone())
        .collect();
    commands.dedup();
    Kind::Commit {
        id,
        category: if covers_category {
            stream.as_str()
        } else {
            stream.category()
        }
        .to_owned(),
        name: stream.as_str().to_owned(),
        seen: candidate.seen,
        is_fence,
        covers_category,
        commands,
        rejections: decode_rejections(record).expect("only stores of this world write to the log"),
        events,
        author,
    }
}

fn verdict(record: &Judged, before: &[Judged], window: u64) -> Verdict {
    let Kind::Commit { seen, .. } = &record.kind else {
        return Verdict::NoCommit;
    };
    let offset = i64::try_from(record.offset).unwrap_or(i64::MAX);
    if offset - seen > i64::try_from(window).unwrap_or(i64::MAX) {
        return Verdict::TooOld;
    }
    let between = before
        .iter()
        .rev()
        .take_while(|other| i64::try_from(other.offset).unwrap_or(i64::MAX) > *seen);
    for other in between {
        if other.verdict == Verdict::Accepted && stands_in_the_way(&other.kind, &record.kind) {
            let by_fence = matches!(other.kind, Kind::Commit { is_fence: true, .. });
            return Verdict::Superseded {
                by: other.offset,
                by_fence,
            };
        }
    }
    Verdict::Accepted
}

fn stands_in_the_way(accepted: &Kind, later: &Kind) -> bool {
    let (
        Kind::Commit {
            name, covers_category, ..
        },
        Kind::Commit {
            name: later_name,
            category: later_category,
            covers_category: later_covers_category,
            ..
        },
    ) = (accepted, later)
    else {
        return false;
    };
    match (covers_category, later_covers_category) {
        // A fence of the category keeps out its streams, and other fences of it.
        (true, _) => name == later_category,
        (false, false) => name == later_name,
        // Only another fence of its category keeps a category fence out.
        (false, true) => false,
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            offset,
            kind,
            verdict,
        } = self;
        write!(formatter, "partition {partition} offset {offset}: ")?;
        let Kind::Commit {
            id,
            name,
            seen,
            is_fence,
            commands,
            rejections,
            events,
            author,
            ..
        } = kind
        else {
            return write!(formatter, "pin");
        };
        if *is_fence {
            write!(formatter, "fence with {} final answers", rejections.len())?;
        } else {
            let revision = events.iter().flatten().next().map_or(0, |event| event.revision);
            write!(formatter, "{} from revision {revision}", commands.join(", "))?;
        }
        write!(formatter, " on {name}, seen {seen}, by {author}, id {id}: {verdict:?}")
    }
}
