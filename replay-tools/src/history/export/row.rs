//! Rows of the journal as `COPY ... (format binary)` sends them: texts are borrowed, nothing is parsed twice.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ExportError;

/// The columns of [`Row`], in the order in which it reads them.
pub(super) const COLUMNS: &str =
    r#"position, partition, "offset", index, revision, time, recorded_at, id, command, stream, type, data, metadata"#;

const FIELDS: u16 = 13;
/// What comes before the first row: a signature, flags, and the length of an extension that is not used.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Microseconds from 1970, where Unix and Parquet begin, to 2000, where PostgreSQL begins.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// `jsonb` goes over the wire as its version and its text.
const JSONB_VERSION: u8 = 1;

/// One event of the journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) position: i64,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) index: i32,
    pub(super) revision: i64,
    /// Microseconds since 1970.
    pub(super) time: i64,
    /// Microseconds since 1970.
    pub(super) recorded_at: i64,
    pub(super) id: Uuid,
    pub(super) command: Uuid,
    pub(super) stream: &'a str,
    pub(super) event_type: &'a str,
    pub(super) data: &'a str,
    pub(super) metadata: &'a str,
}

impl Row<'_> {
    pub(super) fn category(&self) -> &str {
        self.stream
            .split_once('-')
            .map_or(self.stream, |(category, _)| category)
    }
}

/// A time of Parquet.
pub(super) fn moment(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
}

/// The rows in a piece of the stream, which the server cuts between rows.
pub(super) struct Rows<'a> {
    left: &'a [u8],
}

impl<'a> Rows<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self {
            left: bytes.strip_prefix(HEADER).unwrap_or(bytes),
        }
    }

    fn row(&mut self) -> Option<Row<'a>> {
        Some(Row {
            position: i64::from_be_bytes(self.fixed()?),
            partition: i32::from_be_bytes(self.fixed()?),
            offset: i64::from_be_bytes(self.fixed()?),
            index: i32::from_be_bytes(self.fixed()?),
            revision: i64::from_be_bytes(self.fixed()?),
            time: i64::from_be_bytes(self.fixed()?).saturating_add(EPOCH_MICROS),
            recorded_at: i64::from_be_bytes(self.fixed()?).saturating_add(EPOCH_MICROS),
            id: Uuid::from_bytes(self.fixed()?),
            command: Uuid::from_bytes(self.fixed()?),
            stream: self.text()?,
            event_type: self.text()?,
            data: self.json()?,
            metadata: self.json()?,
        })
    }

    fn fixed<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        self.field()?.try_into().ok()
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.field()?).ok()
    }

    fn json(&mut self) -> Option<&'a str> {
        let (version, text) = self.field()?.split_first()?;
        std::str::from_utf8(text).ok().filter(|_| *version == JSONB_VERSION)
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        let length = i32::from_be_bytes(self.take(4)?.try_into().ok()?);
        // No column of the journal is ever null, which would be a negative length.
        self.take(usize::try_from(length).ok()?)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(length)?;
        self.left = left;
        Some(taken)
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let fields = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        match fields {
            // The trailer.
            u16::MAX => None,
            FIELDS => Some(
                self.row()
                    .ok_or(ExportError::NotARow("a column is not what it should be")),
            ),
            _ => Some(Err(ExportError::NotARow("a row has another number of columns"))),
        }
    }
}
