//! `history stats --export`: how many events there are, and how large they are.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::process::ExitCode;

use parquet::data_type::ByteArray;

use super::condition;
use crate::history::export::ExportError;
use crate::history::export::columns::Group;
use crate::history::export::row::moment;
use crate::history::reading::{By, Group as Answer, StatsOptions, stats_to_text};

/// Texts of which only the length is wanted are read in pieces of so many.
const CHUNK: usize = 4_096;

#[derive(Default)]
struct Sum {
    events: i64,
    bytes: i64,
    /// Hashes of the names: eight bytes a stream, however long its name is.
    streams: HashSet<u64>,
}

pub(in crate::history) fn run(options: &StatsOptions) -> Result<ExitCode, ExportError> {
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    super::visit(
        super::folder(options.export.as_ref())?,
        &options.filter,
        |group, rows| {
            add(options.by, group, rows, &mut sums)?;
            Ok(true)
        },
    )?;
    let answers: Vec<Answer> = sums
        .into_iter()
        .map(|(name, sum)| Answer {
            name,
            events: sum.events,
            streams: i64::try_from(sum.streams.len()).unwrap_or(i64::MAX),
            bytes: sum.bytes,
        })
        .collect();
    options.output.print(&answers, || stats_to_text(&answers))?;
    Ok(ExitCode::SUCCESS)
}

fn add(by: By, group: &Group<'_>, rows: &[usize], sums: &mut BTreeMap<String, Sum>) -> Result<(), ExportError> {
    let names = names(by, group)?;
    let streams = condition::texts(group, "stream", group.rows())?;
    let (data, metadata) = (lengths(group, "data")?, lengths(group, "metadata")?);
    for row in rows {
        let (Some(name), Some(stream)) = (names.get(*row), streams.get(*row)) else {
            continue;
        };
        let sum = match sums.get_mut(name) {
            Some(sum) => sum,
            None => sums.entry(name.clone()).or_default(),
        };
        sum.events += 1;
        let bytes = data.get(*row).unwrap_or(&0) + metadata.get(*row).unwrap_or(&0);
        sum.bytes += i64::try_from(bytes).unwrap_or(i64::MAX);
        let mut hash = DefaultHasher::new();
        hash.write(stream.data());
        sum.streams.insert(hash.finish());
    }
    Ok(())
}

fn lengths(group: &Group<'_>, column: &str) -> Result<Vec<usize>, ExportError> {
    let mut reader = group.texts(column)?;
    let mut lengths = Vec::with_capacity(group.rows());
    loop {
        let texts = reader.next(CHUNK).map_err(|error| group.error(error))?;
        if texts.is_empty() {
            return Ok(lengths);
        }
        lengths.extend(texts.iter().map(|text| text.data().len()));
    }
}

/// The name of the group that each row belongs to, as the journal would print it.
fn names(by: By, group: &Group<'_>) -> Result<Vec<String>, ExportError> {
    let count = group.rows();
    let name = |text: &ByteArray| text.as_utf8().unwrap_or_default().to_owned();
    let texts = |column| -> Result<Vec<String>, ExportError> {
        Ok(condition::texts(group, column, count)?.iter().map(name).collect())
    };
    let days = |column| -> Result<Vec<String>, ExportError> {
        let times = group.longs(column)?.next(count).map_err(|error| group.error(error))?;
        Ok(times
            .into_iter()
            .map(|at| moment(at).format("%Y-%m-%d").to_string())
            .collect())
    };
    match by {
        By::Type => texts("event_type"),
        By::Category => texts("category"),
        By::Actor => texts("actor"),
        By::Day => days("time"),
        By::RecordedDay => days("recorded_at"),
        By::Partition => {
            let numbers = group
                .ints("partition")?
                .next(count)
                .map_err(|error| group.error(error))?;
            Ok(numbers.into_iter().map(|partition| format!("{partition:>4}")).collect())
        }
    }
}
