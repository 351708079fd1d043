//! The journal of a log elsewhere against the accepted log: both in the order of offsets, side by side.

use event_store::RecordedEvent;
use event_store::codec::FenceTarget;
use event_store::journal::Checkpoint;
use serde_json::Value;
use sqlx::PgConnection;

use super::super::error::VerifyError;
use super::super::finding::{Code, Finding, Findings};
use super::super::report::JournalReport;
use super::super::topic::{AcceptedFence, Piece, TopicReader};
use super::rejections::Rejections;
use super::rows::{EventPages, EventRow, FencePages, FenceRow, unsigned};

/// One partition of the journal.
pub(in crate::history::verify) struct JournalPartition {
    partition: u32,
    checkpoint: Checkpoint,
    events: EventPages,
    fences: FencePages,
    rejections: Rejections,
    last_position: Option<i64>,
}

impl JournalPartition {
    pub(in crate::history::verify) fn new(partition: u32, checkpoint: Checkpoint) -> Self {
        Self {
            partition,
            checkpoint,
            events: EventPages::of(partition),
            fences: FencePages::of(partition),
            rejections: Rejections::of(partition),
            last_position: None,
        }
    }

    /// Compares a piece of the accepted log, which must be the next one.
    pub(in crate::history::verify) async fn compare(
        &mut self,
        connection: &mut PgConnection,
        piece: &Piece,
        report: &mut JournalReport,
        findings: &mut Findings,
    ) -> Result<(), VerifyError> {
        for event in &piece.events {
            self.compare_event(connection, event, report, findings).await?;
        }
        for fence in &piece.fences {
            self.compare_fence(connection, fence, report, findings).await?;
            if fence.offset < self.checkpoint.next_offset {
                report.rejections += self.rejections.compare(connection, fence, findings).await?;
            }
        }
        Ok(())
    }

    async fn compare_event(
        &mut self,
        connection: &mut PgConnection,
        event: &RecordedEvent,
        report: &mut JournalReport,
        findings: &mut Findings,
    ) -> Result<(), VerifyError> {
        if event.at.offset >= self.checkpoint.next_offset {
            report.events_to_come += 1;
            return Ok(());
        }
        let place = (event.at.offset, event.at.index);
        while let Some(row) = self.events.peek(connection).await? {
            if row.place() > place {
                break;
            }
            let found = row.place();
            let Some(row) = self.events.take() else { break };
            self.check_position(&row, findings);
            if found == place {
                report.rows += 1;
                if let Some(columns) = differences(event, &row) {
                    let sentence = format!("the row has another {columns} than the log");
                    findings.add(about_event(Code::RowDiffers, sentence, event));
                }
                return Ok(());
            }
            self.extra(&row, findings);
        }
        let sentence = format!("the journal has passed it and has no row of event {}", event.id);
        findings.add(about_event(Code::RowMissing, sentence, event));
        Ok(())
    }

    async fn compare_fence(
        &mut self,
        connection: &mut PgConnection,
        fence: &AcceptedFence,
        report: &mut JournalReport,
        findings: &mut Findings,
    ) -> Result<(), VerifyError> {
        if fence.offset >= self.checkpoint.next_offset {
            return Ok(());
        }
        while let Some(row) = self.fences.peek(connection).await? {
            if unsigned(row.offset) > fence.offset {
                break;
            }
            let Some(row) = self.fences.take() else { break };
            if unsigned(row.offset) == fence.offset {
                report.fences += 1;
                if !same_fence(fence, &row) {
                    let sentence = format!("the row covers {}, the fence {}", covered(&row), target(&fence.target));
                    findings.add(Finding::new(Code::FenceDiffers, sentence).at(self.partition, fence.offset));
                }
                return Ok(());
            }
            self.extra_fence(&row, findings);
        }
        let sentence = format!(
            "the journal has passed it and has no row of the fence on {}",
            target(&fence.target)
        );
        findings.add(Finding::new(Code::FenceMissing, sentence).at(self.partition, fence.offset));
        Ok(())
    }

    /// After the last piece: what is left of the journal, and its checkpoint.
    pub(in crate::history::verify) async fn finish(
        mut self,
        connection: &mut PgConnection,
        reader: &TopicReader,
        end: u64,
        report: &mut JournalReport,
        findings: &mut Findings,
    ) -> Result<(), VerifyError> {
        let next = self.checkpoint.next_offset;
        if next > end {
            let sentence = format!(
                "the journal has taken everything below offset {next}, the log ends at {end}: the log has lost its end, or is another one"
            );
            findings.add(Finding::new(Code::JournalAhead, sentence).at(self.partition, end));
        } else if reader.digest().is_some_and(|digest| digest != self.checkpoint.digest) {
            let sentence = format!("the journal's digest of everything below offset {next} is not that of the log");
            findings.add(Finding::new(Code::JournalDigest, sentence).at(self.partition, next));
        }
        // Where the log is not judged, nobody knows what belongs into the journal.
        let unjudged = reader.judged()..next;
        while self.events.peek(connection).await?.is_some() {
            let Some(row) = self.events.take() else { break };
            self.check_position(&row, findings);
            if unjudged.contains(&unsigned(row.offset)) {
                report.rows_not_compared += 1;
            } else {
                self.extra(&row, findings);
            }
        }
        while self.fences.peek(connection).await?.is_some() {
            let Some(row) = self.fences.take() else { break };
            if !unjudged.contains(&unsigned(row.offset)) {
                self.extra_fence(&row, findings);
            }
        }
        self.rejections.finish(connection, &unjudged, findings).await
    }

    fn check_position(&mut self, row: &EventRow, findings: &mut Findings) {
        positions_rise(&mut self.last_position, row, findings);
    }

    fn extra(&self, row: &EventRow, findings: &mut Findings) {
        let next = self.checkpoint.next_offset;
        let (code, sentence) = if unsigned(row.offset) >= next {
            let sentence = format!("there is a row although the journal has taken only what lies below offset {next}");
            (Code::RowBeyondCheckpoint, sentence)
        } else {
            let sentence = format!("the row of event {} is not an accepted event of the log", row.id);
            (Code::RowExtra, sentence)
        };
        findings.add(about_row(code, sentence, row));
    }

    fn extra_fence(&self, row: &FenceRow, findings: &mut Findings) {
        let sentence = format!("the fence on {} is not an accepted one of the log", covered(row));
        findings.add(Finding::new(Code::FenceExtra, sentence).at(self.partition, unsigned(row.offset)));
    }
}

/// Along a partition later events have higher positions.
pub(super) fn positions_rise(last: &mut Option<i64>, row: &EventRow, findings: &mut Findings) {
    // Equal ones are found over all partitions at once.
    if let Some(before) = last.filter(|before| row.position < *before) {
        let sentence = format!(
            "it has position {}, an earlier event of the partition has {before}",
            row.position
        );
        findings.add(about_row(Code::PositionOrder, sentence, row));
        return;
    }
    *last = Some(row.position);
}

fn about_event(code: Code, sentence: String, event: &RecordedEvent) -> Finding {
    Finding::new(code, sentence)
        .at(event.at.partition, event.at.offset)
        .on(event.stream.as_str())
        .revision(event.revision)
}

pub(super) fn about_row(code: Code, sentence: String, row: &EventRow) -> Finding {
    Finding::new(code, sentence)
        .at(u32::try_from(row.partition).unwrap_or(u32::MAX), unsigned(row.offset))
        .on(row.stream.as_str())
        .revision(unsigned(row.revision))
}

/// The columns in which they differ.
fn differences(event: &RecordedEvent, row: &EventRow) -> Option<String> {
    let metadata = serde_json::to_value(&event.metadata).unwrap_or_default();
    let columns = [
        ("stream", event.stream.as_str() == row.stream),
        ("revision", event.revision == unsigned(row.revision)),
        ("id", event.id.as_uuid() == row.id),
        ("type", event.event_type == row.event_type),
        // PostgreSQL keeps microseconds.
        ("time", event.time.timestamp_micros() == row.time.timestamp_micros()),
        (
            "recorded_at",
            event.recorded_at.timestamp_micros() == row.recorded_at.timestamp_micros(),
        ),
        ("command", event.metadata.scoped_command() == row.command),
        ("data", same_text(event.data.get(), row.data.0.get())),
        ("metadata", same(&metadata, &row.metadata.0)),
    ];
    let differing: Vec<_> = columns
        .iter()
        .filter(|(_, equal)| !equal)
        .map(|(column, _)| *column)
        .collect();
    (!differing.is_empty()).then(|| differing.join(", "))
}

fn same_text(ours: &str, theirs: &str) -> bool {
    match (
        serde_json::from_str::<Value>(ours),
        serde_json::from_str::<Value>(theirs),
    ) {
        (Ok(ours), Ok(theirs)) => same(&ours, &theirs),
        _ => false,
    }
}

/// The same JSON, however it is written: `jsonb` writes `1e2` as `100`.
pub(super) fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => {
            ours == theirs
                || ((ours.is_f64() || theirs.is_f64())
                    && ours
                        .as_f64()
                        .zip(theirs.as_f64())
                        .is_some_and(|(ours, theirs)| ours.total_cmp(&theirs).is_eq()))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .all(|(name, ours)| theirs.get(name).is_some_and(|theirs| same(ours, theirs)))
        }
        _ => ours == theirs,
    }
}

fn same_fence(fence: &AcceptedFence, row: &FenceRow) -> bool {
    let covers = match &fence.target {
        FenceTarget::Stream(stream) => row.stream.as_deref() == Some(stream.as_str()) && row.category.is_none(),
        FenceTarget::Category(category) => row.category.as_ref() == Some(category) && row.stream.is_none(),
    };
    covers && fence.recorded_at.timestamp_micros() == row.recorded_at.timestamp_micros()
}

fn target(target: &FenceTarget) -> String {
    match target {
        FenceTarget::Stream(stream) => format!("stream {stream}"),
        FenceTarget::Category(category) => format!("category {category}"),
    }
}

fn covered(row: &FenceRow) -> String {
    match (&row.stream, &row.category) {
        (Some(stream), _) => format!("stream {stream}"),
        (None, Some(category)) => format!("category {category}"),
        (None, None) => "nothing".to_owned(),
    }
}
