//! An event as it is printed.

use chrono::{DateTime, SecondsFormat, Utc};
use event_store::EventMetadata;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

/// The columns that [`JournalEvent`] reads.
pub(super) const COLUMNS: &str =
    "position, partition, \"offset\", stream, revision, id, type, time, recorded_at, data, metadata";

/// Data longer than this is cut in texts for people.
const SHOWN_DATA: usize = 160;

/// A row of the journal.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct JournalEvent {
    /// Place in the total order of the journal.
    pub position: i64,
    /// Place in the log.
    pub partition: i32,
    /// The same.
    pub offset: i64,
    /// Its stream.
    pub stream: String,
    /// Its place in the stream.
    pub revision: i64,
    /// Unique.
    pub id: Uuid,
    /// `category.what-happened.vN`.
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// When the log took it.
    pub recorded_at: DateTime<Utc>,
    /// What happened.
    #[sqlx(try_from = "Json<Box<RawValue>>")]
    pub data: Data,
    /// Who and why.
    #[sqlx(json)]
    pub metadata: EventMetadata,
}

/// The JSON of an event, as it stands.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Data(pub Box<RawValue>);

impl From<Json<Box<RawValue>>> for Data {
    fn from(json: Json<Box<RawValue>>) -> Self {
        Self(json.0)
    }
}

impl JournalEvent {
    /// One line for people; `whole` does not cut the data.
    pub fn to_line(&self, whole: bool) -> String {
        let data = self.data.0.get();
        let shown = if whole || data.chars().count() <= SHOWN_DATA {
            data.to_owned()
        } else {
            data.chars().take(SHOWN_DATA).chain(std::iter::once('…')).collect()
        };
        format!(
            "{} {} {}@{} {} by {} {shown}\n",
            self.position,
            moment(self.recorded_at),
            self.stream,
            self.revision,
            self.event_type,
            self.metadata.actor,
        )
    }
}

/// A time for people, always of the same length.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
