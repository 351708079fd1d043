//! Making any text of a history fit the rules of the domain: cut by characters, never refused for its length.

use std::borrow::Cow;

/// What stands for a subject that says nothing.
const NO_SUBJECT: &str = "(no subject)";

/// Without NUL, which no read model can hold.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// A name: clean, and without white space around it.
pub(crate) fn name(text: &str) -> String {
    clean(text).trim().to_owned()
}

/// A subject that is never blank.
pub(crate) fn subject(text: &str) -> Cow<'_, str> {
    let cleaned = clean(text);
    if cleaned.trim().is_empty() {
        Cow::Borrowed(NO_SUBJECT)
    } else {
        cleaned
    }
}

/// The first `limit` characters.
pub(crate) fn cut(text: &str, limit: u64) -> &str {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if text.len() <= limit {
        return text;
    }
    text.char_indices().nth(limit).map_or(text, |(end, _)| &text[..end])
}
