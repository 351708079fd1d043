//! The rule for every free text, and for every number that ends up in a table.

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextProblem {
    /// Nothing but white space.
    #[error("must not be blank")]
    Blank,
    /// More Unicode scalar values than allowed.
    #[error("may have at most {limit} characters")]
    TooLong {
        /// How many are allowed.
        limit: u64,
    },
    /// PostgreSQL stores no text with U+0000, so no read model could hold it.
    #[error("must not hold the character U+0000")]
    HasNul,
}

impl TextProblem {
    /// The limit that was passed, when it is one.
    pub const fn limit(self) -> Option<u64> {
        match self {
            Self::TooLong { limit } => Some(limit),
            Self::Blank | Self::HasNul => None,
        }
    }
}

/// Checks a text that must say something: not blank, at most `limit` Unicode scalar values, no NUL.
pub fn check(text: &str, limit: u64) -> Result<(), TextProblem> {
    if text.trim().is_empty() {
        return Err(TextProblem::Blank);
    }
    check_blank_allowed(text, limit)
}

/// Checks a text that may be empty (a line of a log): at most `limit` Unicode scalar values, no NUL.
pub fn check_blank_allowed(text: &str, limit: u64) -> Result<(), TextProblem> {
    if longer_than(text, limit) {
        return Err(TextProblem::TooLong { limit });
    }
    if text.contains('\0') {
        return Err(TextProblem::HasNul);
    }
    Ok(())
}

/// Counts only as far as needed: a text has at most as many characters as bytes.
fn longer_than(text: &str, limit: u64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    text.len() > limit && text.chars().nth(limit).is_some()
}

/// The largest number in an event: PostgreSQL's `bigint` is signed.
pub const NUMBER_MAX: u64 = i64::MAX.unsigned_abs();
