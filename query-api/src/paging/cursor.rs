//! Cursors: opaque to clients, and bound to the order of the list that gave them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use serde_json::Value;
use uuid::Uuid;

use super::keyset::{KeyKind, KeyValue, Sort};
use crate::error::QueryError;

/// Longest cursor in bytes that is looked at; a title of 200 four-byte characters fits.
const CURSOR_MAX_BYTES: usize = 2_048;

/// The sort keys of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// One value for each key of the sort.
    pub keys: Vec<KeyValue>,
}

impl Cursor {
    /// The opaque text: a tag of the order, then the keys.
    pub fn encode(&self, sort: &Sort) -> String {
        let mut parts = vec![Value::from(sort.tag())];
        parts.extend(self.keys.iter().map(|key| match key {
            KeyValue::Time(at) => Value::from(at.timestamp_micros()),
            KeyValue::Text(text) => Value::from(text.as_str()),
            KeyValue::Int(number) => Value::from(*number),
            // The bits, so that the comparison in the database is exact.
            KeyValue::Real(number) => Value::from(number.to_bits()),
            KeyValue::Uuid(uuid) => Value::from(uuid.to_string()),
        }));
        URL_SAFE_NO_PAD.encode(Value::from(parts).to_string())
    }

    /// Reads the text back for a list in this order.
    pub fn decode(text: &str, sort: &Sort) -> Result<Self, QueryError> {
        if text.len() > CURSOR_MAX_BYTES {
            return Err(QueryError::CursorInvalid);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| QueryError::CursorInvalid)?;
        let parts: Vec<Value> = serde_json::from_slice(&bytes).map_err(|_| QueryError::CursorInvalid)?;
        let (tag, values) = parts.split_first().ok_or(QueryError::CursorInvalid)?;
        if tag.as_u64().ok_or(QueryError::CursorInvalid)? != u64::from(sort.tag()) {
            return Err(QueryError::CursorOfAnotherSort);
        }
        if values.len() != sort.keys.len() {
            return Err(QueryError::CursorInvalid);
        }
        let keys = sort
            .keys
            .iter()
            .zip(values)
            .map(|(key, value)| read(key.kind, value))
            .collect::<Option<_>>();
        Ok(Self {
            keys: keys.ok_or(QueryError::CursorInvalid)?,
        })
    }
}

fn read(kind: KeyKind, value: &Value) -> Option<KeyValue> {
    Some(match kind {
        KeyKind::Time => KeyValue::Time(DateTime::from_timestamp_micros(value.as_i64()?)?),
        KeyKind::Text => KeyValue::Text(value.as_str().filter(|text| !text.contains('\0'))?.to_owned()),
        KeyKind::Int => KeyValue::Int(value.as_i64()?),
        KeyKind::Real => KeyValue::Real(f32::from_bits(u32::try_from(value.as_u64()?).ok()?)),
        KeyKind::Uuid => KeyValue::Uuid(Uuid::parse_str(value.as_str()?).ok()?),
    })
}
