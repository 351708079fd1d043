//! Relay connections over keyset paging: a page is found by the sort keys of its neighbour, never by counting rows.

pub mod connection;
pub mod cursor;
pub mod keyset;

pub(crate) use connection::Total;
pub use connection::{Connection, Edge};
pub use cursor::Cursor;
pub use keyset::{Key, KeyKind, KeyValue, Page, PageRow, Sort, SortDirection};
pub(crate) use keyset::{PageSource, fetch_page};

use crate::error::QueryError;

/// Rows of a page when the client names no number.
pub const DEFAULT_PAGE: i32 = 20;

/// Rows of the largest page.
pub const MAX_PAGE: i32 = 100;

/// The four paging arguments of a connection, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PageArguments {
    /// That many rows from the front.
    pub first: Option<i32>,
    /// Only rows behind this cursor.
    pub after: Option<String>,
    /// That many rows from the end.
    pub last: Option<i32>,
    /// Only rows before this cursor.
    pub before: Option<String>,
}

/// The paging arguments, checked against the order of the list.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// The order of the list.
    pub sort: Sort,
    /// Rows wanted.
    pub size: usize,
    /// From the end of the list?
    pub backward: bool,
    /// Only rows behind these keys.
    pub after: Option<Cursor>,
    /// Only rows before these keys.
    pub before: Option<Cursor>,
}

impl PageArguments {
    /// Checks the arguments and reads the cursors.
    pub fn for_sort(&self, sort: Sort) -> Result<PageRequest, QueryError> {
        if self.first.is_some() && self.last.is_some() {
            return Err(QueryError::PagingArguments("name first or last, not both"));
        }
        let rows = self.first.or(self.last).unwrap_or(DEFAULT_PAGE);
        let size = usize::try_from(rows)
            .ok()
            .filter(|_| rows <= MAX_PAGE)
            .ok_or(QueryError::PageTooLarge { limit: MAX_PAGE })?;
        let read = |text: &Option<String>| text.as_deref().map(|text| Cursor::decode(text, &sort)).transpose();
        let (after, before) = (read(&self.after)?, read(&self.before)?);
        Ok(PageRequest {
            size,
            backward: self.last.is_some(),
            after,
            before,
            sort,
        })
    }

    /// What the cost of a list is multiplied by. Pages above the limit are refused later, with a better message.
    pub fn cost(first: Option<i32>, last: Option<i32>) -> usize {
        usize::try_from(first.or(last).unwrap_or(DEFAULT_PAGE).clamp(0, MAX_PAGE)).unwrap_or(0)
    }
}
