//! Which events are wanted: the flags, and the SQL that they become.

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use sqlx::{Postgres, QueryBuilder};

/// Which events are wanted. All of what is given must hold; of a flag that is repeated, one.
#[derive(Debug, Clone, Default, Args)]
pub struct Filter {
    /// Events of this type, with or without its version; `*` stands for anything: `task.*`, `*.deleted`.
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Events of this stream (`task-<uuid>`), or of this category (`task`).
    #[arg(long, value_name = "STREAM")]
    pub stream: Vec<String>,
    /// Events whose data has this value at this place: `classification.type=bug-fix`.
    #[arg(long, value_name = "PATH=VALUE", value_parser = field)]
    pub field: Vec<(String, String)>,
    /// Events with this text anywhere in their data, in upper or lower case.
    #[arg(long, value_name = "TEXT")]
    pub text: Vec<String>,
    /// Events that the log took at this time or later: a day, or a time as in `2026-05-04T10:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<DateTime<Utc>>,
    /// Events that the log took before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<DateTime<Utc>>,
}

impl Filter {
    /// Can something that the log took between these times, in microseconds since 1970, be wanted?
    pub(in crate::history) fn is_recorded_within(&self, first: i64, last: i64) -> bool {
        self.since.is_none_or(|since| last >= since.timestamp_micros())
            && self.until.is_none_or(|until| first < until.timestamp_micros())
    }

    /// Adds the conditions, each after an `and`.
    pub(super) fn restrict(&self, sql: &mut QueryBuilder<Postgres>) {
        any(sql, &self.types, |sql, pattern| {
            let pattern = like(pattern).replace('*', "%");
            sql.push("type like ").push_bind(pattern.clone());
            // Versions are how a type is stored, not what happened.
            sql.push(" or type like ").push_bind(format!("{pattern}.v%"));
        });
        any(sql, &self.stream, |sql, stream| {
            if stream.contains('-') {
                sql.push("stream = ").push_bind(stream.clone());
            } else {
                sql.push("stream like ").push_bind(format!("{}-%", like(stream)));
            }
        });
        any(sql, &self.field, |sql, (path, value)| {
            let path: Vec<String> = path.split('.').map(ToOwned::to_owned).collect();
            sql.push("data #>> ")
                .push_bind(path)
                .push(" = ")
                .push_bind(value.clone());
        });
        any(sql, &self.text, |sql, text| {
            sql.push("data::text ilike ").push_bind(format!("%{}%", like(text)));
        });
        if let Some(since) = self.since {
            sql.push(" and recorded_at >= ").push_bind(since);
        }
        if let Some(until) = self.until {
            sql.push(" and recorded_at < ").push_bind(until);
        }
    }
}

fn any<T>(sql: &mut QueryBuilder<Postgres>, wanted: &[T], condition: impl Fn(&mut QueryBuilder<Postgres>, &T)) {
    for (number, wanted) in wanted.iter().enumerate() {
        sql.push(if number == 0 { " and (" } else { " or " });
        condition(sql, wanted);
    }
    if !wanted.is_empty() {
        sql.push(")");
    }
}

/// Text that means itself in a pattern.
pub(in crate::history) fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.is_empty() => Ok((path.to_owned(), value.to_owned())),
        _ => Err("expected PATH=VALUE".to_owned()),
    }
}

pub(in crate::history) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    day.and_then(|day| day.and_hms_opt(0, 0, 0))
        .map(|midnight| midnight.and_utc())
        .ok_or_else(|| "expected a day (2026-05-04) or a time with its zone (2026-05-04T10:00:00Z)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(filter: &Filter) -> String {
        let mut sql = QueryBuilder::new("where true");
        filter.restrict(&mut sql);
        sql.into_sql().as_str().to_owned()
    }

    #[test]
    fn no_flags_restrict_nothing() {
        assert_eq!(sql(&Filter::default()), "where true");
    }

    #[test]
    fn repeated_flags_are_alternatives_and_different_ones_must_all_hold() {
        let filter = Filter {
            stream: vec!["task".to_owned(), "conversation-1".to_owned()],
            text: vec!["a".to_owned()],
            ..Filter::default()
        };
        assert_eq!(
            sql(&filter),
            "where true and (stream like $1 or stream = $2) and (data::text ilike $3)"
        );
    }

    #[test]
    fn what_means_something_in_a_pattern_means_itself() {
        assert_eq!(like(r"50%_\"), r"50\%\_\\");
    }

    #[test]
    fn a_day_begins_at_midnight_and_a_time_needs_its_zone() {
        assert_eq!(time("2026-05-04").unwrap().to_rfc3339(), "2026-05-04T00:00:00+00:00");
        assert_eq!(
            time("2026-05-04T10:00:00+02:00").unwrap().to_rfc3339(),
            "2026-05-04T08:00:00+00:00"
        );
        assert!(time("2026-05-04T10:00:00").is_err());
        assert!(time("yesterday").is_err());
    }
}
