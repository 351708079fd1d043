//! The journal where it is the log: each row by itself, and as the next event of its partition.

use event_store::RecordedEvent;
use sqlx::PgConnection;

use super::super::error::VerifyError;
use super::super::finding::{Code, Findings};
use super::compare::{about_row, positions_rise};
use super::rows::{EventPages, EventRow, unsigned};

/// Most events of a piece.
const PIECE: usize = 1_000;

/// One partition of the journal, read as a log.
pub(in crate::history::verify) struct OwnPartition {
    rows: EventPages,
    last_position: Option<i64>,
}

impl OwnPartition {
    pub(in crate::history::verify) fn new(partition: u32) -> Self {
        Self {
            rows: EventPages::of(partition),
            last_position: None,
        }
    }

    /// The next events; none at the end. Rows that cannot be read are findings.
    pub(in crate::history::verify) async fn next(
        &mut self,
        connection: &mut PgConnection,
        findings: &mut Findings,
    ) -> Result<Option<(u64, Vec<RecordedEvent>)>, VerifyError> {
        let mut events = Vec::new();
        let mut taken = 0;
        while taken < PIECE as u64 && self.rows.peek(connection).await?.is_some() {
            let Some(row) = self.rows.take() else { break };
            taken += 1;
            positions_rise(&mut self.last_position, &row, findings);
            match row.event() {
                Ok(event) => {
                    if let Some(sentence) = contradiction(&row, &event) {
                        findings.add(about_row(Code::RowInconsistent, sentence, &row));
                    }
                    events.push(event);
                }
                Err(reason) => {
                    let sentence = format!("the row cannot be read: {reason}");
                    findings.add(about_row(Code::RowInconsistent, sentence, &row));
                }
            }
        }
        Ok((taken > 0).then_some((taken, events)))
    }
}

/// What the row says twice must be the same both times.
fn contradiction(row: &EventRow, event: &RecordedEvent) -> Option<String> {
    if row.offset != row.position || row.index != 0 {
        return Some(format!(
            "offset {} and index {} should be position {} and 0",
            unsigned(row.offset),
            row.index,
            row.position
        ));
    }
    let scoped = event.metadata.scoped_command();
    (row.command != scoped).then(|| format!("its command is {}, by its metadata it should be {scoped}", row.command))
}
