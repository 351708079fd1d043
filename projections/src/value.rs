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

    /// A value as PostgreSQL writes it into JSON; none when it is not one of the type.
    pub fn from_json(column_type: ColumnType, json: &serde_json::Value) -> Option<Self> {
        if json.is_null() {
            return Some(Self::Null);
        }
        match column_type {
            ColumnType::Text => json.as_str().map(Self::from),
            ColumnType::Uuid => json.as_str()?.parse().ok().map(Self::Uuid),
            ColumnType::Int => json.as_i64().map(Self::Int),
            ColumnType::Bool => json.as_bool().map(Self::Bool),
            ColumnType::Timestamp => {
                let moment = DateTime::parse_from_rfc3339(json.as_str()?).ok()?;
                Some(Self::Timestamp(moment.to_utc()))
            }
            ColumnType::Date => json.as_str()?.parse().ok().map(Self::Date),
            ColumnType::TextArray => {
                let texts = json.as_array()?.iter().map(|text| text.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().map(Self::TextArray)
            }
            ColumnType::Json => Some(Self::Json(json.clone())),
        }
    }

    /// As it is after it was stored: the database keeps microseconds.
    #[must_use]
    pub fn as_stored(self) -> Self {
        match self {
            Self::Timestamp(moment) => {
                Self::Timestamp(DateTime::from_timestamp_micros(moment.timestamp_micros()).unwrap_or(moment))
            }
            other => other,
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
