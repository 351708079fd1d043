//! The values of one column of many rows, as PostgreSQL takes them in one array.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

use crate::value::{ColumnType, Value};

/// An array of one type, with nulls.
#[derive(Debug)]
pub(super) enum ColumnValues {
    Text(Vec<Option<String>>),
    Uuid(Vec<Option<Uuid>>),
    Int(Vec<Option<i64>>),
    Bool(Vec<Option<bool>>),
    Timestamp(Vec<Option<DateTime<Utc>>>),
    Date(Vec<Option<NaiveDate>>),
}

impl ColumnValues {
    pub(super) fn new(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::Text | ColumnType::TextArray | ColumnType::Json => Self::Text(Vec::new()),
            ColumnType::Uuid => Self::Uuid(Vec::new()),
            ColumnType::Int => Self::Int(Vec::new()),
            ColumnType::Bool => Self::Bool(Vec::new()),
            ColumnType::Timestamp => Self::Timestamp(Vec::new()),
            ColumnType::Date => Self::Date(Vec::new()),
        }
    }

    /// Appends a value. Types were checked when operations were coalesced; what does not fit is null and the column refuses it.
    pub(super) fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Text(values), Value::Text(text)) => values.push(Some(text)),
            (Self::Text(values), Value::TextArray(texts)) => values.push(Some(array_literal(&texts))),
            (Self::Text(values), Value::Json(json)) => values.push(Some(json.to_string())),
            (Self::Uuid(values), Value::Uuid(uuid)) => values.push(Some(uuid)),
            (Self::Int(values), Value::Int(number)) => values.push(Some(number)),
            (Self::Bool(values), Value::Bool(truth)) => values.push(Some(truth)),
            (Self::Timestamp(values), Value::Timestamp(moment)) => values.push(Some(moment)),
            (Self::Date(values), Value::Date(day)) => values.push(Some(day)),
            (Self::Text(values), _) => values.push(None),
            (Self::Uuid(values), _) => values.push(None),
            (Self::Int(values), _) => values.push(None),
            (Self::Bool(values), _) => values.push(None),
            (Self::Timestamp(values), _) => values.push(None),
            (Self::Date(values), _) => values.push(None),
        }
    }

    pub(super) fn bind(self, query: Query<'_, Postgres, PgArguments>) -> Query<'_, Postgres, PgArguments> {
        match self {
            Self::Text(values) => query.bind(values),
            Self::Uuid(values) => query.bind(values),
            Self::Int(values) => query.bind(values),
            Self::Bool(values) => query.bind(values),
            Self::Timestamp(values) => query.bind(values),
            Self::Date(values) => query.bind(values),
        }
    }
}

/// `{"a","b"}`. UNNEST would flatten an array of arrays, so lists travel as text and are cast.
fn array_literal(texts: &[String]) -> String {
    let mut literal = String::from("{");
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            literal.push(',');
        }
        literal.push('"');
        for character in text.chars() {
            if matches!(character, '"' | '\\') {
                literal.push('\\');
            }
            literal.push(character);
        }
        literal.push('"');
    }
    literal.push('}');
    literal
}

#[cfg(test)]
mod tests {
    use super::array_literal;

    #[test]
    fn a_list_becomes_a_quoted_literal() {
        assert_eq!(array_literal(&[]), "{}");
        assert_eq!(
            array_literal(&["a".into(), "b\"\\,{}".into(), String::new()]),
            r#"{"a","b\"\\,{}",""}"#
        );
    }
}
