//! What a column can hold.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// One value of one column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// Nothing.
    Null,
    /// Text; never with NUL, which the domain refuses.
    Text(String),
    /// A UUID.
    Uuid(Uuid),
    /// A whole number.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// A moment; microseconds are kept.
    Timestamp(DateTime<Utc>),
    /// A day in UTC.
    Date(NaiveDate),
    /// A list of texts.
    TextArray(Vec<String>),
    /// Any JSON.
    Json(serde_json::Value),
}

/// The PostgreSQL type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `text`
    Text,
    /// `uuid`
    Uuid,
    /// `bigint`
    Int,
    /// `boolean`
    Bool,
    /// `timestamptz`
    Timestamp,
    /// `date`
    Date,
    /// `text[]`
    TextArray,
    /// `jsonb`
    Json,
}

impl Value {
    /// May a column of this type hold the value?
    pub fn fits(&self, column_type: ColumnType) -> bool {
        match self {
            Self::Null => true,
            Self::Text(_) => column_type == ColumnType::Text,
            Self::Uuid(_) => column_type == ColumnType::Uuid,
            Self::Int(_) => column_type == ColumnType::Int,
            Self::Bool(_) => column_type == ColumnType::Bool,
            Self::Timestamp(_) => column_type == ColumnType::Timestamp,
            Self::Date(_) => column_type == ColumnType::Date,
            Self::TextArray(_) => column_type == ColumnType::TextArray,
            Self::Json(_) => column_type == ColumnType::Json,
        }
    }

    /// A count, at most `i64::MAX`: more is refused by the domain, and PostgreSQL has no larger integer.
    pub fn count(count: u64) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Uuid> for Value {
    fn from(uuid: Uuid) -> Self {
        Self::Uuid(uuid)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<DateTime<Utc>> for Value {
    fn from(moment: DateTime<Utc>) -> Self {
        Self::Timestamp(moment)
    }
}

impl From<NaiveDate> for Value {
    fn from(day: NaiveDate) -> Self {
        Self::Date(day)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
