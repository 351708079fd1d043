//! The SQL of each read model: rows, and the source of each list with its filter and owner rule.
//!
//! Tables are named with the schema of the serving generation, which is an identifier that we made. Everything that a client
//! sends is bound.

pub(crate) mod activity;
pub(crate) mod conversation;
pub(crate) mod execution;
pub(crate) mod history;
pub(crate) mod message;
pub(crate) mod places;
pub(crate) mod projection;
pub(crate) mod search;
pub(crate) mod statistics;
pub(crate) mod task;

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

/// `%text%` for ILIKE, with the pattern characters of the text taken literally.
pub(crate) fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// `column >= from AND column < until`, each when given.
pub(crate) fn push_time_range(
    sql: &mut QueryBuilder<Postgres>,
    column: &str,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) {
    if let Some(from) = from {
        sql.push(" AND ").push(column).push(" >= ").push_bind(from);
    }
    if let Some(until) = until {
        sql.push(" AND ").push(column).push(" < ").push_bind(until);
    }
}

/// Deleted rows are in no list, unless a role that reads all history filters for exactly them.
pub(crate) fn push_status_filter(
    sql: &mut QueryBuilder<Postgres>,
    column: &str,
    status: Option<&'static str>,
    sees_deleted: bool,
) {
    if let Some(status) = status {
        sql.push(" AND ").push(column).push(" = ").push_bind(status);
    }
    if !(sees_deleted && status == Some("deleted")) {
        sql.push(" AND ").push(column).push(" <> 'deleted'");
    }
}

#[cfg(test)]
mod tests {
    use super::contains_pattern;

    #[test]
    fn pattern_characters_are_taken_literally() {
        assert_eq!(contains_pattern(r"50%_\"), r"%50\%\_\\%");
    }
}
