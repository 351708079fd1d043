//! A GET of a document that clients were built with: who has the answer already need not be sent it again.

use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};

/// Bytes of the hash that go into a tag.
const TAG_BYTES: usize = 16;

/// The tag of an answer by its rows and errors. Weak, since the position of the answer, which is not part of it, may be another one.
pub(super) fn of(rows: &[u8]) -> Option<HeaderValue> {
    use std::fmt::Write as _;
    let mut tag = String::from("W/\"");
    for byte in Sha256::digest(rows).iter().take(TAG_BYTES) {
        write!(tag, "{byte:02x}").ok()?;
    }
    tag.push('"');
    HeaderValue::from_str(&tag).ok()
}

/// Has the client this one?
pub(super) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(tag) = tag.to_str() else { return false };
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim() == "*" || weak(known) == weak(tag))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use axum::http::HeaderMap;
    use axum::http::header::IF_NONE_MATCH;

    use super::{is_known, of};

    #[test]
    fn a_tag_is_known_alone_and_among_others_and_others_are_not() {
        let tag = of(b"rows").unwrap();
        let with = |value: &str| HeaderMap::from_iter([(IF_NONE_MATCH, value.parse().unwrap())]);
        assert!(is_known(&with(tag.to_str().unwrap()), &tag));
        assert!(is_known(&with(&format!("\"x\", {}", tag.to_str().unwrap())), &tag));
        assert!(is_known(&with("*"), &tag));
        assert!(!is_known(&with("\"x\""), &tag));
        assert!(!is_known(&HeaderMap::new(), &tag));
        assert_ne!(of(b"rows"), of(b"other rows"));
    }
}
