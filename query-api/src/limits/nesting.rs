//! Brackets inside brackets, counted before the text is parsed: the parser and all that follows recurse on them.

use crate::error::{ErrorCode, QueryError};

/// No sensible document nests deeper.
const MAX_BRACKETS: usize = 64;

/// Refuses a text whose brackets nest too deep. Strings and comments are skipped.
pub(super) fn check(query: &str) -> Result<(), QueryError> {
    let bytes = query.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'#' => {
                at += bytes
                    .iter()
                    .skip(at)
                    .position(|byte| matches!(byte, b'\n' | b'\r'))
                    .unwrap_or(bytes.len());
            }
            b'"' => at = end_of_string(bytes, at),
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_BRACKETS {
            return Err(QueryError::Limit {
                code: ErrorCode::LimitDepth,
                what: "the nesting of brackets",
                limit: MAX_BRACKETS,
            });
        }
        at += 1;
    }
    Ok(())
}

/// The index of the last quote of the string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let block = bytes.get(start..start + 3) == Some(b"\"\"\"");
    let mut at = start + if block { 3 } else { 1 };
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if block && bytes.get(at..at + 4) == Some(b"\\\"\"\"") => at += 3,
            b'\\' if !block => at += 1,
            b'"' if block && bytes.get(at..at + 3) == Some(b"\"\"\"") => return at + 2,
            b'"' if !block => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let many = "{".repeat(100);
        assert!(check(&format!("{{ a(x: \"{many}\\\"{many}\") }}")).is_ok());
        assert!(check(&format!("{{ a(x: \"\"\"{many} \" \\\"\"\" {many}\"\"\") }}")).is_ok());
        assert!(check(&format!("# {many}\n{{ a }}")).is_ok());
    }

    #[test]
    fn deep_brackets_are_refused_wherever_they_stand() {
        for bracket in ["{", "[", "("] {
            assert!(check(&bracket.repeat(65)).is_err());
            assert!(check(&format!("{{ a(x: \"\") {}", bracket.repeat(65))).is_err());
            assert!(check(&format!("{{ a(x: \"\"\"\"\"\") {}", bracket.repeat(65))).is_err());
        }
    }
}
