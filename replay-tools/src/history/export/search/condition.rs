//! Which rows of a row group fit a filter: the same as the conditions of the journal, in [`Filter`].

use std::borrow::Cow;
use std::collections::HashMap;

use parquet::data_type::ByteArray;
use serde_json::value::RawValue;

use crate::history::export::ExportError;
use crate::history::export::columns::Group;
use crate::history::reading::Filter;

/// Events whose data is read in one go.
const CHUNK: usize = 4_096;

/// The places of the rows that fit.
pub(super) fn rows(group: &Group<'_>, filter: &Filter) -> Result<Vec<usize>, ExportError> {
    let count = group.rows();
    if let Some((least, greatest)) = group.range("recorded_at")
        && !filter.is_recorded_within(least, greatest)
    {
        return Ok(Vec::new());
    }
    let mut rows: Vec<usize> = (0..count).collect();
    if !filter.types.is_empty() {
        let types = texts(group, "event_type", count)?;
        // A row group has few types: each is judged once.
        let mut judged: HashMap<&[u8], bool> = HashMap::new();
        rows.retain(|row| {
            types.get(*row).is_some_and(|name| {
                *judged
                    .entry(name.data())
                    .or_insert_with(|| name.as_utf8().is_ok_and(|name| is_of_type(filter, name)))
            })
        });
    }
    if !filter.stream.is_empty() && !rows.is_empty() {
        let streams = texts(group, "stream", count)?;
        rows.retain(|row| text(&streams, *row).is_some_and(|stream| is_of_stream(filter, stream)));
    }
    if (filter.since.is_some() || filter.until.is_some()) && !rows.is_empty() {
        let times = group
            .longs("recorded_at")?
            .next(count)
            .map_err(|error| group.error(error))?;
        rows.retain(|row| times.get(*row).is_some_and(|at| filter.is_recorded_within(*at, *at)));
    }
    if (filter.text.is_empty() && filter.field.is_empty()) || rows.is_empty() {
        return Ok(rows);
    }
    with_data(group, filter, &rows, count)
}

/// The rows whose data fits too. Data is large, so it is read a piece at a time, and not where no row is left.
fn with_data(group: &Group<'_>, filter: &Filter, rows: &[usize], count: usize) -> Result<Vec<usize>, ExportError> {
    let texts: Vec<String> = filter.text.iter().map(|text| text.to_lowercase()).collect();
    let fits = |data: &str| {
        (texts.is_empty() || texts.iter().any(|wanted| holds(data, wanted)))
            && (filter.field.is_empty() || filter.field.iter().any(|(path, value)| has(data, path, value)))
    };
    let mut column = group.texts("data")?;
    let (mut fitting, mut left) = (Vec::new(), rows);
    for start in (0..count).step_by(CHUNK) {
        let end = count.min(start + CHUNK);
        let (these, later) = left.split_at(left.partition_point(|row| *row < end));
        left = later;
        if these.is_empty() {
            column.skip(end - start).map_err(|error| group.error(error))?;
            continue;
        }
        let data = column.next(end - start).map_err(|error| group.error(error))?;
        fitting.extend(these.iter().filter(|row| text(&data, **row - start).is_some_and(fits)));
    }
    Ok(fitting)
}

pub(super) fn texts(group: &Group<'_>, column: &str, count: usize) -> Result<Vec<ByteArray>, ExportError> {
    group.texts(column)?.next(count).map_err(|error| group.error(error))
}

fn text(values: &[ByteArray], row: usize) -> Option<&str> {
    values.get(row)?.as_utf8().ok()
}

pub(super) fn is_of_type(filter: &Filter, name: &str) -> bool {
    filter.types.iter().any(|pattern| {
        // Versions are how a type is stored, not what happened.
        is_like(name, pattern) || is_like(name, &format!("{pattern}.v*"))
    })
}

fn is_of_stream(filter: &Filter, stream: &str) -> bool {
    filter.stream.iter().any(|wanted| {
        if wanted.contains('-') {
            stream == wanted
        } else {
            stream
                .strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.starts_with('-'))
        }
    })
}

/// Does `*` in the pattern stand for what the text has there?
fn is_like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

/// Is the text in there, in upper or lower case? `wanted` is in lower case.
fn holds(data: &str, wanted: &str) -> bool {
    if !wanted.is_ascii() {
        return data.to_lowercase().contains(wanted);
    }
    let (data, wanted) = (data.as_bytes(), wanted.as_bytes());
    let Some((first, rest)) = wanted.split_first() else {
        return true;
    };
    let mut starts = data
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.eq_ignore_ascii_case(first));
    starts.any(|(start, _)| {
        data.get(start + 1..start + wanted.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(rest))
    })
}

/// Has the data this value there, as `#>>` of PostgreSQL reads it?
fn has(data: &str, path: &str, value: &str) -> bool {
    let found = serde_json::from_str::<&RawValue>(data)
        .ok()
        .and_then(|whole| path.split('.').try_fold(whole, step));
    match found.map(RawValue::get) {
        None | Some("null") => false,
        Some(text) if text.starts_with('"') => serde_json::from_str::<String>(text).is_ok_and(|text| text == value),
        // The text of the journal is what `#>>` prints.
        Some(text) => text == value,
    }
}

/// The value of a field, or the item with this number, from the end when it is negative.
fn step<'a>(place: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    if place.get().starts_with('{') {
        let fields: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(place.get()).ok()?;
        return fields.get(name).copied();
    }
    let items: Vec<&RawValue> = serde_json::from_str(place.get()).ok()?;
    let number: isize = name.parse().ok()?;
    let index = if number < 0 {
        items.len().checked_sub(number.unsigned_abs())?
    } else {
        number.unsigned_abs()
    };
    items.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_wanted_in_every_version_unless_one_is_given() {
        let filter = |pattern: &str| Filter {
            types: vec![pattern.to_owned()],
            ..Filter::default()
        };
        assert!(is_of_type(&filter("task.created"), "task.created.v1"));
        assert!(is_of_type(&filter("task.created.v1"), "task.created.v1"));
        assert!(is_of_type(&filter("task.*"), "task.execution-started.v2"));
        assert!(is_of_type(&filter("*.deleted"), "task.deleted.v1"));
        assert!(!is_of_type(&filter("task.created"), "task.created-again.v1"));
        assert!(!is_of_type(&filter("task.created.v2"), "task.created.v1"));
        assert!(!is_of_type(&filter("*.deleted"), "task.created.v1"));
        assert!(is_like("abcabc", "a*c*c") && !is_like("abc", "a*c*c"));
    }

    #[test]
    fn a_category_is_all_of_the_name_before_the_dash() {
        let filter = |stream: &str| Filter {
            stream: vec![stream.to_owned()],
            ..Filter::default()
        };
        assert!(is_of_stream(&filter("task"), "task-1"));
        assert!(!is_of_stream(&filter("task"), "taskforce-1"));
        assert!(is_of_stream(&filter("task-1"), "task-1") && !is_of_stream(&filter("task-1"), "task-11"));
    }

    #[test]
    fn text_is_found_in_upper_and_lower_case() {
        assert!(holds("Fix the BUG", "the bug") && holds("aab", "ab") && holds("x", ""));
        assert!(holds("ÄRGER", "ärger"));
        assert!(!holds("bu", "bug") && !holds("", "b"));
    }

    #[test]
    fn a_field_has_a_value_as_postgresql_would_print_it() {
        let data = r#"{"a": {"b": [1, "two", {"c": null}]}, "n": 0.5, "o": {"x": 1}}"#;
        assert!(has(data, "a.b.0", "1") && has(data, "a.b.1", "two") && has(data, "a.b.-2", "two"));
        assert!(has(data, "n", "0.5") && has(data, "o", r#"{"x": 1}"#));
        assert!(!has(data, "a.b.2.c", "null") && !has(data, "a.b.7", "1") && !has(data, "n.x", "1"));
    }
}
