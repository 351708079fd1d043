//! What is counted before the text is parsed: brackets inside brackets, on which the parser and all that follows recurse, and tokens, each of
//! which costs it memory.

use crate::error::{ErrorCode, QueryError};

/// No sensible document nests deeper.
const MAX_BRACKETS: usize = 64;

/// Refuses a text whose brackets nest too deep, or that has too many tokens. A string is one token; comments, commas and blanks are none.
pub(super) fn check(query: &str, max_tokens: usize) -> Result<(), QueryError> {
    let bytes = query.as_bytes();
    let (mut depth, mut tokens) = (0_usize, 0_usize);
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
            b'"' => {
                at = end_of_string(bytes, at);
                tokens += 1;
            }
            b'{' | b'[' | b'(' => {
                depth += 1;
                tokens += 1;
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                tokens += 1;
            }
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b'.' => {}
            letter if is_of_word(*letter) => {
                let word = bytes.iter().skip(at).take_while(|byte| is_of_word(**byte)).count();
                at += word - 1;
                tokens += 1;
            }
            _ => tokens += 1,
        }
        if tokens > max_tokens {
            return Err(QueryError::Limit {
                code: ErrorCode::LimitTokens,
                what: "the number of tokens",
                limit: max_tokens,
            });
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

/// A name, a keyword or a number, roughly: this counts and does not judge.
fn is_of_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
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
    use super::check as check_both;
    use crate::error::QueryError;

    fn check(query: &str) -> Result<(), QueryError> {
        check_both(query, 1_000)
    }

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

    #[test]
    fn a_token_is_a_word_a_string_or_a_sign() {
        let document = "query Q($id: ID!) { a_1(x: \"so many words\", y: -1.5) ...f } # and a comment";
        let tokens = 23;
        assert!(check_both(document, tokens).is_ok());
        assert!(check_both(document, tokens - 1).is_err());
    }
}
