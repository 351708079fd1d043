//! A table on its way into a Parquet file: columns in memory, written one row group at a time.
//!
//! The first row says what the columns are; every row gives the same ones in the same order. So a table is described in one place, where
//! its rows are made.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use sha2::{Digest as _, Sha256};

use super::ExportError;
use super::manifest::{PART, TableFile, hex};

/// Rows of a row group.
const GROUP_ROWS: usize = 65_536;
/// Bytes of a row group in memory: the bound of the rows when they are large.
const GROUP_BYTES: usize = 32 << 20;

/// How a column is stored, besides its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    /// Values that repeat: each is stored once.
    Repeating,
    /// Values that hardly repeat.
    Unique,
    /// Texts that nobody compares, so their least and greatest are not kept.
    Opaque,
    /// Numbers that rise, or stay near each other.
    Rising,
}

/// The rows of one table in one segment.
pub(super) struct Table {
    name: String,
    folder: PathBuf,
    /// Below the folder of the manifest.
    place: String,
    columns: Vec<Column>,
    next: usize,
    rows: usize,
    bytes: usize,
    file: Option<OpenFile>,
    rows_written: u64,
    row_groups: u64,
}

struct OpenFile {
    path: PathBuf,
    writer: SerializedFileWriter<Hashed>,
}

struct Column {
    name: &'static str,
    kind: Kind,
    storage: Storage,
    values: Values,
    /// For a column that may be null: 1 where it has a value.
    levels: Option<Vec<i16>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Long,
    Int,
    Double,
    Time,
}

enum Values {
    /// All texts, and where each ends.
    Text(Vec<u8>, Vec<usize>),
    Long(Vec<i64>),
    Int(Vec<i32>),
    Double(Vec<f64>),
}

impl Column {
    fn new(name: &'static str, kind: Kind, storage: Storage, nullable: bool) -> Self {
        Self {
            name,
            kind,
            storage,
            values: match kind {
                Kind::Text => Values::Text(Vec::new(), Vec::new()),
                Kind::Long | Kind::Time => Values::Long(Vec::new()),
                Kind::Int => Values::Int(Vec::new()),
                Kind::Double => Values::Double(Vec::new()),
            },
            levels: nullable.then(Vec::new),
        }
    }

    fn definition(&self) -> String {
        let repetition = if self.levels.is_some() { "optional" } else { "required" };
        let (physical, logical) = match self.kind {
            Kind::Text => ("binary", " (STRING)"),
            Kind::Long => ("int64", ""),
            Kind::Int => ("int32", ""),
            Kind::Double => ("double", ""),
            Kind::Time => ("int64", " (TIMESTAMP(MICROS,true))"),
        };
        format!("{repetition} {physical} {}{logical}; ", self.name)
    }
}

impl Table {
    /// A table whose files lie in `place` below `folder`, the folder of the manifest. Nothing is made before there are rows.
    pub(super) fn new(folder: &Path, name: &str, place: String) -> Self {
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            place,
            columns: Vec::new(),
            next: 0,
            rows: 0,
            bytes: 0,
            file: None,
            rows_written: 0,
            row_groups: 0,
        }
    }

    pub(super) fn text(&mut self, name: &'static str, storage: Storage, value: &str) {
        self.texts(name, storage, false, Some(value));
    }

    pub(super) fn maybe_text(&mut self, name: &'static str, storage: Storage, value: Option<&str>) {
        self.texts(name, storage, true, value);
    }

    pub(super) fn long(&mut self, name: &'static str, storage: Storage, value: i64) {
        self.longs(name, Kind::Long, storage, false, Some(value));
    }

    pub(super) fn maybe_long(&mut self, name: &'static str, storage: Storage, value: Option<i64>) {
        self.longs(name, Kind::Long, storage, true, value);
    }

    pub(super) fn time(&mut self, name: &'static str, micros: i64) {
        self.longs(name, Kind::Time, Storage::Rising, false, Some(micros));
    }

    pub(super) fn int(&mut self, name: &'static str, value: i32) {
        let column = self.column(name, Kind::Int, Storage::Repeating, false);
        if let Some(Values::Int(values)) = column.map(|column| &mut column.values) {
            values.push(value);
        }
        self.bytes += 4;
    }

    pub(super) fn double(&mut self, name: &'static str, value: f64) {
        let column = self.column(name, Kind::Double, Storage::Repeating, false);
        if let Some(Values::Double(values)) = column.map(|column| &mut column.values) {
            values.push(value);
        }
        self.bytes += 8;
    }

    fn texts(&mut self, name: &'static str, storage: Storage, nullable: bool, value: Option<&str>) {
        let Some(column) = self.column(name, Kind::Text, storage, nullable) else {
            return;
        };
        if let Some(levels) = &mut column.levels {
            levels.push(i16::from(value.is_some()));
        }
        if let (Values::Text(bytes, ends), Some(value)) = (&mut column.values, value) {
            bytes.extend_from_slice(value.as_bytes());
            ends.push(bytes.len());
            self.bytes += value.len() + size_of::<usize>();
        }
    }

    fn longs(&mut self, name: &'static str, kind: Kind, storage: Storage, nullable: bool, value: Option<i64>) {
        let Some(column) = self.column(name, kind, storage, nullable) else {
            return;
        };
        if let Some(levels) = &mut column.levels {
            levels.push(i16::from(value.is_some()));
        }
        if let (Values::Long(values), Some(value)) = (&mut column.values, value) {
            values.push(value);
            self.bytes += 8;
        }
    }

    fn column(&mut self, name: &'static str, kind: Kind, storage: Storage, nullable: bool) -> Option<&mut Column> {
        if self.rows == 0 && self.next == self.columns.len() {
            self.columns.push(Column::new(name, kind, storage, nullable));
        }
        let column = self.columns.get_mut(self.next);
        self.next += 1;
        debug_assert_eq!(
            column.as_ref().map(|column| (column.name, column.kind)),
            Some((name, kind))
        );
        column
    }

    #[cfg(test)]
    pub(super) fn column_names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|column| column.name).collect()
    }

    /// The row has all its columns.
    pub(super) fn end_row(&mut self) -> Result<(), ExportError> {
        self.next = 0;
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ExportError> {
        if self.file.is_none() {
            self.file = Some(self.create()?);
        }
        let Some(OpenFile { path, writer }) = &mut self.file else {
            return Ok(());
        };
        let write = |writer: &mut SerializedFileWriter<Hashed>, columns: &mut [Column]| -> ParquetResult<()> {
            let mut group = writer.next_row_group()?;
            for column in columns {
                if let Some(mut target) = group.next_column()? {
                    column.write(&mut target)?;
                    target.close()?;
                }
            }
            group.close()?;
            Ok(())
        };
        write(writer, &mut self.columns).map_err(ExportError::parquet(path))?;
        self.rows_written += self.rows as u64;
        self.row_groups += 1;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    fn create(&self) -> Result<OpenFile, ExportError> {
        let folder = self.folder.join(&self.place);
        fs::create_dir_all(&folder).map_err(ExportError::file(&folder))?;
        let path = folder.join(format!("writing.{PART}"));
        let file = File::create(&path).map_err(ExportError::file(&path))?;
        let new = || -> ParquetResult<_> {
            let mut schema = "message event { ".to_owned();
            for column in &self.columns {
                schema += &column.definition();
            }
            schema.push('}');
            SerializedFileWriter::new(
                Hashed::new(file),
                Arc::new(parse_message_type(&schema)?),
                Arc::new(self.properties()?),
            )
        };
        let writer = new().map_err(ExportError::parquet(&path))?;
        Ok(OpenFile { path, writer })
    }

    fn properties(&self) -> ParquetResult<WriterProperties> {
        let mut builder = WriterProperties::builder()
            .set_created_by("coding-agent".to_owned())
            // The fastest level: higher ones cost more than they save.
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_statistics_enabled(EnabledStatistics::Chunk);
        for column in &self.columns {
            let path = ColumnPath::from(column.name);
            builder = match column.storage {
                Storage::Repeating => builder,
                Storage::Unique => builder.set_column_dictionary_enabled(path, false),
                Storage::Opaque => builder
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_statistics_enabled(path, EnabledStatistics::None),
                Storage::Rising => builder
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            };
        }
        Ok(builder.build())
    }

    /// Makes the file durable under its final name; nothing when there were no rows.
    pub(super) fn finish(mut self, file_name: &str) -> Result<Option<TableFile>, ExportError> {
        if self.rows > 0 {
            self.write_group()?;
        }
        let Some(OpenFile { path: part, writer }) = self.file else {
            return Ok(None);
        };
        let hashed = writer.into_inner().map_err(ExportError::parquet(&part))?;
        let path = format!("{}/{file_name}", self.place);
        let whole = self.folder.join(&path);
        let keep = || -> io::Result<()> {
            hashed.file.sync_all()?;
            fs::rename(&part, &whole)?;
            File::open(self.folder.join(&self.place))?.sync_all()
        };
        keep().map_err(ExportError::file(&whole))?;
        Ok(Some(TableFile {
            table: self.name,
            path,
            rows: self.rows_written,
            row_groups: self.row_groups,
            bytes: hashed.bytes,
            sha256: hex(&hashed.hash.finalize()),
        }))
    }
}

impl Column {
    /// Writes the values and forgets them.
    fn write(&mut self, target: &mut SerializedColumnWriter<'_>) -> ParquetResult<()> {
        let levels = self.levels.as_deref();
        match &mut self.values {
            Values::Text(bytes, ends) => {
                let capacity = bytes.len();
                let all = Bytes::from(std::mem::replace(bytes, Vec::with_capacity(capacity)));
                let mut start = 0;
                let texts: Vec<ByteArray> = ends
                    .drain(..)
                    .map(|end| ByteArray::from(all.slice(std::mem::replace(&mut start, end)..end)))
                    .collect();
                target.typed::<ByteArrayType>().write_batch(&texts, levels, None)?;
            }
            Values::Long(values) => {
                target.typed::<Int64Type>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Int(values) => {
                target.typed::<Int32Type>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Double(values) => {
                target.typed::<DoubleType>().write_batch(values, levels, None)?;
                values.clear();
            }
        }
        if let Some(levels) = &mut self.levels {
            levels.clear();
        }
        Ok(())
    }
}

/// A file that is hashed while it is written.
struct Hashed {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Hashed {
    fn new(file: File) -> Self {
        Self {
            file,
            hash: Sha256::new(),
            bytes: 0,
        }
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or(bytes));
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
