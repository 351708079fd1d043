//! The columns of a Parquet file of an export, read a piece at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use domain::{EventId, StreamId};
use event_store::{EventMetadata, LogPosition, Position, RecordedEvent};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, RowGroupReader, SerializedFileReader};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::ExportError;
use super::manifest::TableFile;
use super::row::moment;

/// A Parquet file of an export.
pub(super) struct ExportFile {
    path: PathBuf,
    reader: SerializedFileReader<File>,
}

impl ExportFile {
    pub(super) fn open(directory: &Path, file: &TableFile) -> Result<Self, ExportError> {
        let path = directory.join(&file.path);
        let opened = File::open(&path).map_err(ExportError::file(&path))?;
        let reader = SerializedFileReader::new(opened).map_err(ExportError::parquet(&path))?;
        Ok(Self { path, reader })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    pub(super) fn group(&self, number: usize) -> Result<Group<'_>, ExportError> {
        let group = self
            .reader
            .get_row_group(number)
            .map_err(ExportError::parquet(&self.path))?;
        Ok(Group {
            path: &self.path,
            group,
        })
    }
}

/// A row group.
pub(super) struct Group<'a> {
    path: &'a Path,
    group: Box<dyn RowGroupReader + 'a>,
}

impl Group<'_> {
    pub(super) fn rows(&self) -> usize {
        usize::try_from(self.group.metadata().num_rows()).unwrap_or_default()
    }

    /// Least and greatest value of a column of numbers, as far as statistics tell.
    pub(super) fn range(&self, column: &str) -> Option<(i64, i64)> {
        use parquet::file::statistics::Statistics;
        let chunk = self
            .group
            .metadata()
            .columns()
            .iter()
            .find(|chunk| chunk.column_path().string() == column)?;
        match chunk.statistics()? {
            Statistics::Int64(range) => Some((*range.min_opt()?, *range.max_opt()?)),
            _ => None,
        }
    }

    pub(super) fn longs(&self, name: &str) -> Result<Longs, ExportError> {
        match self.column(name)? {
            ColumnReader::Int64ColumnReader(reader) => Ok(Longs(reader)),
            _ => Err(self.another(name)),
        }
    }

    pub(super) fn ints(&self, name: &str) -> Result<Ints, ExportError> {
        match self.column(name)? {
            ColumnReader::Int32ColumnReader(reader) => Ok(Ints(reader)),
            _ => Err(self.another(name)),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Texts, ExportError> {
        match self.column(name)? {
            ColumnReader::ByteArrayColumnReader(reader) => Ok(Texts(reader)),
            _ => Err(self.another(name)),
        }
    }

    fn column(&self, name: &str) -> Result<ColumnReader, ExportError> {
        let columns = self.group.metadata().columns();
        let place = columns.iter().position(|chunk| chunk.column_path().string() == name);
        let place = place.ok_or_else(|| ExportError::damaged(self.path, format!("it has no column {name}")))?;
        self.group
            .get_column_reader(place)
            .map_err(ExportError::parquet(self.path))
    }

    fn another(&self, name: &str) -> ExportError {
        ExportError::damaged(self.path, format!("column {name} is of another type"))
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        self.path
    }

    /// What an error of a column of this file means.
    pub(super) fn error(&self, error: ParquetError) -> ExportError {
        ExportError::parquet(self.path)(error)
    }
}

/// A column of numbers, read from the front.
pub(super) struct Longs(ColumnReaderImpl<Int64Type>);
/// A column of small numbers, read from the front.
pub(super) struct Ints(ColumnReaderImpl<Int32Type>);
/// A column of texts, read from the front.
pub(super) struct Texts(ColumnReaderImpl<ByteArrayType>);

macro_rules! reads {
    ($column:ident, $value:ty) => {
        impl $column {
            /// The next values, fewer only at the end of the row group.
            pub(super) fn next(&mut self, count: usize) -> Result<Vec<$value>, ParquetError> {
                let mut values = Vec::with_capacity(count);
                self.0.read_records(count, None, None, &mut values)?;
                Ok(values)
            }

            /// Passes over values.
            pub(super) fn skip(&mut self, count: usize) -> Result<(), ParquetError> {
                self.0.skip_records(count).map(drop)
            }
        }
    };
}

reads!(Longs, i64);
reads!(Ints, i32);
reads!(Texts, ByteArray);

/// The columns that make an event, read together.
pub(super) struct EventColumns {
    position: Longs,
    partition: Ints,
    offset: Longs,
    index: Ints,
    stream: Texts,
    revision: Longs,
    id: Texts,
    event_type: Texts,
    time: Longs,
    recorded_at: Longs,
    data: Texts,
    metadata: Texts,
}

impl EventColumns {
    pub(super) fn of(group: &Group<'_>) -> Result<Self, ExportError> {
        Ok(Self {
            position: group.longs("position")?,
            partition: group.ints("partition")?,
            offset: group.longs("offset")?,
            index: group.ints("index")?,
            stream: group.texts("stream")?,
            revision: group.longs("revision")?,
            id: group.texts("event_id")?,
            event_type: group.texts("event_type")?,
            time: group.longs("time")?,
            recorded_at: group.longs("recorded_at")?,
            data: group.texts("data")?,
            metadata: group.texts("metadata")?,
        })
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<(), ParquetError> {
        self.position.skip(count)?;
        self.partition.skip(count)?;
        self.offset.skip(count)?;
        self.index.skip(count)?;
        self.stream.skip(count)?;
        self.revision.skip(count)?;
        self.id.skip(count)?;
        self.event_type.skip(count)?;
        self.time.skip(count)?;
        self.recorded_at.skip(count)?;
        self.data.skip(count)?;
        self.metadata.skip(count)
    }

    /// Those of the next `count` events whose places, from 0, are wanted.
    pub(super) fn next_some(
        &mut self,
        count: usize,
        wanted: impl Iterator<Item = usize>,
        path: &Path,
    ) -> Result<Vec<RecordedEvent>, ExportError> {
        let values = self.read(count).map_err(ExportError::parquet(path))?;
        wanted.map(|number| values.required(number, path)).collect()
    }

    /// The next events.
    pub(super) fn next(&mut self, count: usize, path: &Path) -> Result<Vec<RecordedEvent>, ExportError> {
        self.read(count).map_err(ExportError::parquet(path))?.events(path)
    }

    fn read(&mut self, count: usize) -> Result<Values, ParquetError> {
        Ok(Values {
            position: self.position.next(count)?,
            partition: self.partition.next(count)?,
            offset: self.offset.next(count)?,
            index: self.index.next(count)?,
            stream: self.stream.next(count)?,
            revision: self.revision.next(count)?,
            id: self.id.next(count)?,
            event_type: self.event_type.next(count)?,
            time: self.time.next(count)?,
            recorded_at: self.recorded_at.next(count)?,
            data: self.data.next(count)?,
            metadata: self.metadata.next(count)?,
        })
    }
}

struct Values {
    position: Vec<i64>,
    partition: Vec<i32>,
    offset: Vec<i64>,
    index: Vec<i32>,
    stream: Vec<ByteArray>,
    revision: Vec<i64>,
    id: Vec<ByteArray>,
    event_type: Vec<ByteArray>,
    time: Vec<i64>,
    recorded_at: Vec<i64>,
    data: Vec<ByteArray>,
    metadata: Vec<ByteArray>,
}

impl Values {
    fn events(&self, path: &Path) -> Result<Vec<RecordedEvent>, ExportError> {
        (0..self.position.len())
            .map(|number| self.required(number, path))
            .collect()
    }

    fn required(&self, number: usize, path: &Path) -> Result<RecordedEvent, ExportError> {
        self.event(number)
            .ok_or_else(|| ExportError::damaged(path, format!("row {number} of a piece is not an event")))
    }

    fn event(&self, number: usize) -> Option<RecordedEvent> {
        Some(RecordedEvent {
            stream: StreamId::parse(text(&self.stream, number)?).ok()?,
            revision: unsigned(&self.revision, number)?,
            id: EventId::new(Uuid::parse_str(text(&self.id, number)?).ok()?),
            event_type: text(&self.event_type, number)?.to_owned(),
            time: moment(*self.time.get(number)?),
            recorded_at: moment(*self.recorded_at.get(number)?),
            data: RawValue::from_string(text(&self.data, number)?.to_owned()).ok()?,
            metadata: serde_json::from_str::<EventMetadata>(text(&self.metadata, number)?).ok()?,
            at: LogPosition {
                partition: u32::try_from(*self.partition.get(number)?).ok()?,
                offset: unsigned(&self.offset, number)?,
                index: u32::try_from(*self.index.get(number)?).ok()?,
            },
            position: Some(Position(unsigned(&self.position, number)?)),
        })
    }
}

fn text(values: &[ByteArray], number: usize) -> Option<&str> {
    values.get(number)?.as_utf8().ok()
}

fn unsigned(values: &[i64], number: usize) -> Option<u64> {
    u64::try_from(*values.get(number)?).ok()
}
