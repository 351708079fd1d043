//! Why something is not recorded.

use uuid::Uuid;

use super::operation::OperationKind;
use crate::aggregate::{Refusal, RefusalKind};
use crate::text::TextProblem;

/// A reason to refuse a command to the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdministrationRefusal {
    /// Only administrators do such things.
    #[error("this role may not do this with projections")]
    NotAllowed,
    /// What is wrong with the reason.
    #[error("the reason {problem}")]
    Reason {
        /// The problem.
        problem: TextProblem,
    },
    /// What cannot be undone needs one.
    #[error("a reason is needed")]
    ReasonMissing,
    /// It was never requested, or has ended.
    #[error("operation {operation} is not under way")]
    NotUnderWay {
        /// The operation.
        operation: Uuid,
    },
    /// The outcome is that of another kind of operation.
    #[error("that cannot come of a {kind}")]
    OtherOutcome {
        /// What was requested.
        kind: OperationKind,
    },
}

impl Refusal for AdministrationRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed => "administration.not-allowed",
            Self::Reason { problem } => match problem {
                TextProblem::Blank => "administration.reason-blank",
                TextProblem::TooLong { .. } => "administration.reason-too-long",
                TextProblem::HasNul => "administration.reason-has-nul",
            },
            Self::ReasonMissing => "administration.reason-missing",
            Self::NotUnderWay { .. } => "administration.not-under-way",
            Self::OtherOutcome { .. } => "administration.other-outcome",
        }
    }

    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotAllowed => RefusalKind::Forbidden,
            Self::Reason { .. } | Self::ReasonMissing => RefusalKind::Invalid,
            Self::NotUnderWay { .. } | Self::OtherOutcome { .. } => RefusalKind::State,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Reason { .. } | Self::ReasonMissing => Some("reason"),
            Self::NotAllowed | Self::NotUnderWay { .. } | Self::OtherOutcome { .. } => None,
        }
    }

    fn limit(&self) -> Option<u64> {
        match self {
            Self::Reason { problem } => problem.limit(),
            _ => None,
        }
    }
}
