//! One page of rows by the keys of its neighbours: the SQL of every list.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::PageRequest;
use super::cursor::Cursor;
use crate::error::QueryError;
use crate::live::Reads;
use crate::snapshot::OpenSnapshot;

/// What sort of value a key column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// `timestamptz`
    Time,
    /// `text`
    Text,
    /// `bigint`
    Int,
    /// `real`
    Real,
    /// `uuid`
    Uuid,
}

/// The value of one key of one row.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyValue {
    /// To the microsecond, as the database keeps it.
    Time(DateTime<Utc>),
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A rank.
    Real(f32),
    /// A tie-break.
    Uuid(Uuid),
}

/// One column of an order. Never null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// An SQL expression over the list's source.
    pub column: &'static str,
    /// Its type.
    pub kind: KeyKind,
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortDirection {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A total order of a list. All keys run the same way, so one row comparison finds a page and an index serves both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The list; cursors of another list do not fit.
    pub list: &'static str,
    /// Together unique.
    pub keys: Vec<Key>,
    /// Of all keys.
    pub direction: SortDirection,
}

impl Sort {
    /// What a cursor carries to prove that it fits.
    pub fn tag(&self) -> u32 {
        let mut digest = Sha256::new();
        digest.update(self.list);
        for key in &self.keys {
            digest.update([0]);
            digest.update(key.column);
        }
        digest.update([0, u8::from(self.direction == SortDirection::Descending)]);
        digest
            .finalize()
            .iter()
            .take(4)
            .fold(0, |tag, byte| (tag << 8) | u32::from(*byte))
    }

    /// ` ORDER BY ..`, from the end of the list when `backward`.
    pub fn push_order(&self, sql: &mut QueryBuilder<Postgres>, backward: bool) {
        let descending = (self.direction == SortDirection::Descending) != backward;
        for (index, key) in self.keys.iter().enumerate() {
            sql.push(if index == 0 { " ORDER BY " } else { ", " });
            sql.push(key.column).push(if descending { " DESC" } else { " ASC" });
        }
    }

    /// ` AND (keys) > (values)`, or `<`: only rows on one side of a cursor.
    fn push_side(&self, sql: &mut QueryBuilder<Postgres>, cursor: &Cursor, behind: bool) {
        let greater = (self.direction == SortDirection::Ascending) == behind;
        sql.push(" AND (");
        for (index, key) in self.keys.iter().enumerate() {
            sql.push(if index == 0 { "" } else { ", " }).push(key.column);
        }
        sql.push(if greater { ") > (" } else { ") < (" });
        for (index, value) in cursor.keys.iter().enumerate() {
            sql.push(if index == 0 { "" } else { ", " });
            match value {
                KeyValue::Time(value) => sql.push_bind(*value),
                KeyValue::Text(value) => sql.push_bind(value.clone()),
                KeyValue::Int(value) => sql.push_bind(*value),
                KeyValue::Real(value) => sql.push_bind(*value),
                KeyValue::Uuid(value) => sql.push_bind(*value),
            };
        }
        sql.push(")");
    }
}

impl PageRequest {
    /// The rules of both cursors; the statement's WHERE has begun.
    pub fn push_bounds(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Some(after) = &self.after {
            self.sort.push_side(sql, after, true);
        }
        if let Some(before) = &self.before {
            self.sort.push_side(sql, before, false);
        }
    }

    /// `, key AS key_0, ..`: what a cursor is made from.
    pub fn push_keys(&self, sql: &mut QueryBuilder<Postgres>) {
        for (index, key) in self.sort.keys.iter().enumerate() {
            sql.push(", ").push(key.column).push(" AS key_").push(index);
        }
    }

    /// ` ORDER BY .. LIMIT ..`: one row more than wanted, to know whether there is another page.
    pub fn push_order_and_limit(&self, sql: &mut QueryBuilder<Postgres>) {
        self.sort.push_order(sql, self.backward);
        sql.push(" LIMIT ")
            .push_bind(i64::try_from(self.size).unwrap_or(i64::MAX).saturating_add(1));
    }

    /// The cursor of a row that was read with [`Self::push_keys`].
    pub fn cursor_of(&self, row: &PgRow) -> Result<String, sqlx::Error> {
        let mut keys = Vec::with_capacity(self.sort.keys.len());
        for (index, key) in self.sort.keys.iter().enumerate() {
            let column = format!("key_{index}");
            let column = column.as_str();
            keys.push(match key.kind {
                KeyKind::Time => KeyValue::Time(row.try_get(column)?),
                KeyKind::Text => KeyValue::Text(row.try_get(column)?),
                KeyKind::Int => KeyValue::Int(row.try_get(column)?),
                KeyKind::Real => KeyValue::Real(row.try_get(column)?),
                KeyKind::Uuid => KeyValue::Uuid(row.try_get(column)?),
            });
        }
        Ok(Cursor { keys }.encode(&self.sort))
    }

    /// Takes the rows as the database gave them: cuts the extra one, turns them round when read from the end.
    pub fn page_of<T>(&self, mut rows: Vec<(T, String)>) -> Page<T> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        if self.backward {
            rows.reverse();
        }
        // On the side that the cursor names, there was at least the row of the cursor.
        let (has_previous, has_next) = if self.backward {
            (more, self.before.is_some())
        } else {
            (self.after.is_some(), more)
        };
        Page {
            rows,
            has_previous,
            has_next,
        }
    }
}

/// One page: rows with their cursors, in the order of the list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<(T, String)>,
    /// Are there rows before?
    pub has_previous: bool,
    /// Are there rows behind?
    pub has_next: bool,
}

impl<T> Page<T> {
    /// A page of an empty list.
    pub fn empty() -> Self {
        Self {
            rows: Vec::new(),
            has_previous: false,
            has_next: false,
        }
    }

    /// Turns the rows into what they are answered as, all at once, so that they can know each other.
    pub fn map_all<U>(self, convert: impl FnOnce(Vec<T>) -> Vec<U>) -> Page<U> {
        let (rows, cursors): (Vec<T>, Vec<String>) = self.rows.into_iter().unzip();
        let rows = convert(rows).into_iter().zip(cursors).collect();
        Page {
            rows,
            has_previous: self.has_previous,
            has_next: self.has_next,
        }
    }
}

/// Where the rows of a list come from: the one place that holds its filter and its owner rule, for page and count alike.
pub(crate) trait PageSource: Send + Sync {
    /// The read models whose tables it reads.
    fn models(&self) -> &'static [&'static str];

    /// What of them, for operations that stand.
    fn reads(&self) -> Reads<'_>;

    /// Adds ` FROM .. WHERE ..` to a statement.
    fn push_from_where(&self, sql: &mut QueryBuilder<Postgres>, schema: &str);
}

/// A row of a list.
pub trait PageRow: for<'r> FromRow<'r, PgRow> + Send + Unpin {
    /// The select list.
    const COLUMNS: &'static str;
}

/// Reads one page.
pub(crate) async fn fetch_page<R: PageRow>(
    snapshot: &mut OpenSnapshot,
    source: &dyn PageSource,
    request: &PageRequest,
) -> Result<Page<R>, QueryError> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(R::COLUMNS);
    request.push_keys(&mut sql);
    source.push_from_where(&mut sql, snapshot.schema_with(source.models(), source.reads())?);
    request.push_bounds(&mut sql);
    request.push_order_and_limit(&mut sql);
    let rows = sql.build().fetch_all(snapshot.connection()).await?;
    let rows = rows.iter().map(|row| Ok((R::from_row(row)?, request.cursor_of(row)?)));
    Ok(request.page_of(rows.collect::<Result<Vec<_>, sqlx::Error>>()?))
}
