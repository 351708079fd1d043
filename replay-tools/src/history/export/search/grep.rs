//! `history grep --export`: the events that fit, in the order of positions.

use std::process::ExitCode;

use event_store::RecordedEvent;

use crate::OutputFormat;
use crate::history::export::ExportError;
use crate::history::export::columns::{EventColumns, Group};
use crate::history::reading::{Data, GrepOptions, JournalEvent};

/// Events that are read in one go.
const CHUNK: usize = 2_048;

pub(in crate::history) fn run(options: &GrepOptions) -> Result<ExitCode, ExportError> {
    let limit = options
        .limit
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut found = 0;
    super::visit(
        super::folder(options.export.as_ref())?,
        &options.filter,
        |group, rows| {
            let rows = rows.get(..(limit - found).min(rows.len())).unwrap_or(rows);
            found += rows.len();
            if !options.count {
                print(options, group, rows)?;
            }
            Ok(found < limit)
        },
    )?;
    if options.count {
        options
            .output
            .print(&serde_json::json!({ "events": found }), || format!("{found}\n"))?;
    }
    Ok(if found > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints these rows, passing over pieces without any.
fn print(options: &GrepOptions, group: &Group<'_>, rows: &[usize]) -> Result<(), ExportError> {
    let mut columns = EventColumns::of(group)?;
    let mut left = rows;
    for start in (0..group.rows()).step_by(CHUNK) {
        let end = group.rows().min(start + CHUNK);
        let (these, later) = left.split_at(left.partition_point(|row| *row < end));
        left = later;
        if these.is_empty() {
            columns.skip(end - start).map_err(|error| group.error(error))?;
            continue;
        }
        let wanted = these.iter().map(|row| row - start);
        let mut text = String::new();
        for event in columns.next_some(end - start, wanted, group.path())? {
            let event = shown(event);
            text += &options.output.render(&event, || event.to_line(options.whole))?;
        }
        OutputFormat::print_text(&text)?;
    }
    Ok(())
}

/// The event as the journal has it.
fn shown(event: RecordedEvent) -> JournalEvent {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    JournalEvent {
        position: signed(event.position.map_or(0, |position| position.0)),
        partition: i32::try_from(event.at.partition).unwrap_or(i32::MAX),
        offset: signed(event.at.offset),
        stream: event.stream.to_string(),
        revision: signed(event.revision),
        id: event.id.as_uuid(),
        event_type: event.event_type,
        time: event.time,
        recorded_at: event.recorded_at,
        data: Data(event.data),
        metadata: event.metadata,
    }
}
