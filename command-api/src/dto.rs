//! The bodies of commands as clients send them. Each converts into a domain command in [`crate::translate`].

pub(crate) mod conversation;
pub(crate) mod task;
mod words;

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A command that has nothing to say beyond its name: no body, or an empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoContent {}

/// The body is JSON, but not the JSON of this command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidBody {
    /// Where, dotted (`classifier.name`); empty for the body as a whole.
    pub(crate) field: String,
    /// What was expected there.
    pub(crate) reason: String,
}

/// Reads a body. The path to the fault is looked for only when there is one.
pub(crate) fn read<'de, T: Deserialize<'de>>(body: &'de Value) -> Result<T, InvalidBody> {
    T::deserialize(body).map_err(|error| match serde_path_to_error::deserialize::<_, T>(body) {
        Err(found) => InvalidBody::at(&found.path().to_string(), found.inner().to_string()),
        Ok(_) => InvalidBody::at(".", error.to_string()),
    })
}

impl InvalidBody {
    /// A fault at a path, where `.` is the body as a whole.
    pub(crate) fn at(path: &str, reason: String) -> Self {
        let within = if path == "." { "" } else { path };
        // A missing field has no path of its own, only that of its object; the reason names it in back quotes.
        let missing = reason
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        let field = match missing {
            Some(name) if within.is_empty() => name.to_owned(),
            Some(name) => format!("{within}.{name}"),
            None => within.to_owned(),
        };
        Self { field, reason }
    }
}
