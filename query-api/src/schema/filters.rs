//! Arguments that several lists share.

use async_graphql::{Enum, ID};
use uuid::Uuid;

use crate::error::QueryError;
use crate::paging::SortDirection;

/// Which way a list runs.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderDirection {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

impl From<OrderDirection> for SortDirection {
    fn from(direction: OrderDirection) -> Self {
        match direction {
            OrderDirection::Asc => Self::Ascending,
            OrderDirection::Desc => Self::Descending,
        }
    }
}

/// The UUID of an id argument.
pub(crate) fn uuid_of(argument: &'static str, id: &ID) -> Result<Uuid, QueryError> {
    Uuid::parse_str(id).map_err(|_| QueryError::InvalidArgument {
        argument,
        reason: "is not a UUID",
    })
}

/// The UUID of an id argument that may be absent.
pub(crate) fn optional_uuid_of(argument: &'static str, id: Option<&ID>) -> Result<Option<Uuid>, QueryError> {
    id.map(|id| uuid_of(argument, id)).transpose()
}

/// Longest text to search or filter for, in characters.
const TEXT_MAX: usize = 200;

/// A text to look for: 1 to 200 characters, not only blanks.
pub(crate) fn sought_text(argument: &'static str, text: &str) -> Result<String, QueryError> {
    let text = text.trim();
    let reason = if text.is_empty() {
        "must not be blank"
    } else if text.chars().nth(TEXT_MAX).is_some() {
        "may have at most 200 characters"
    } else if text.contains('\0') {
        "must not hold the character NUL"
    } else {
        return Ok(text.to_owned());
    };
    Err(QueryError::InvalidArgument { argument, reason })
}
