//! Why a quota refuses.

use chrono::{DateTime, Utc};

use super::{LIMIT_MAX, WINDOW_MAX_MS};
use crate::aggregate::{Refusal, RefusalKind};

/// A reason to refuse a command to a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuotaRefusal {
    /// Every place in the window is taken.
    #[error("all {limit} places of the window are taken until {retry_at}")]
    Exhausted {
        /// How many places there are.
        limit: u32,
        /// When the first one becomes free.
        retry_at: DateTime<Utc>,
    },
    /// The limit cannot be kept.
    #[error("a limit is 1 to {LIMIT_MAX}")]
    LimitOutOfRange,
    /// The window cannot be kept.
    #[error("a window is 1 to {WINDOW_MAX_MS} milliseconds")]
    WindowOutOfRange,
    /// An analyst commands nothing.
    #[error("this role may not reserve")]
    NotAllowed,
}

impl Refusal for QuotaRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Exhausted { .. } => "quota.exhausted",
            Self::LimitOutOfRange => "quota.limit-out-of-range",
            Self::WindowOutOfRange => "quota.window-out-of-range",
            Self::NotAllowed => "quota.not-allowed",
        }
    }

    fn kind(&self) -> RefusalKind {
        match self {
            Self::Exhausted { .. } => RefusalKind::Limited,
            Self::LimitOutOfRange | Self::WindowOutOfRange => RefusalKind::Invalid,
            Self::NotAllowed => RefusalKind::Forbidden,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::LimitOutOfRange => Some("limit"),
            Self::WindowOutOfRange => Some("windowMs"),
            Self::Exhausted { .. } | Self::NotAllowed => None,
        }
    }

    fn limit(&self) -> Option<u64> {
        match self {
            Self::Exhausted { limit, .. } => Some(u64::from(*limit)),
            Self::LimitOutOfRange => Some(u64::from(LIMIT_MAX)),
            Self::WindowOutOfRange => Some(WINDOW_MAX_MS),
            Self::NotAllowed => None,
        }
    }

    fn retry_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Exhausted { retry_at, .. } => Some(*retry_at),
            Self::LimitOutOfRange | Self::WindowOutOfRange | Self::NotAllowed => None,
        }
    }
}
