//! Why a query got no answer, and the closed list of codes that clients branch on.

use async_graphql::Value;
use projections::read::ReadError;

use crate::commands::{Unavailable, Why};

/// Stable code of an error, in `extensions.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The document is not GraphQL.
    ParseFailed,
    /// The document does not fit the schema, or its variables do not.
    ValidationFailed,
    /// `first`, `last`, `after` and `before` do not go together.
    PagingArguments,
    /// A page larger than the largest.
    PageTooLarge,
    /// The text is not a cursor of ours.
    CursorInvalid,
    /// The cursor came from a list in another order.
    CursorOfAnotherSort,
    /// An argument breaks a rule.
    InvalidArgument,
    /// This role may not see this field.
    Forbidden,
    /// The wanted position was not reached in time.
    FreshnessTimeout,
    /// The stream of the position stands still before an event that cannot be projected: waiting does not help.
    Parked,
    /// The position belongs to a log that was replaced.
    TokenOfAnotherLog,
    /// The text is not a position token.
    TokenInvalid,
    /// The position lies behind the cut of a generation that does not move.
    BeyondGeneration,
    /// No generation of time travel has this name, or its time is over.
    UnknownGeneration,
    /// The generation has not come to its cut yet.
    GenerationBuilding,
    /// The generation was made without this read model.
    ModelAbsent,
    /// The history of a branch is not in the journal.
    NoHistoryOfBranch,
    /// Nested too deep.
    LimitDepth,
    /// Would cost too much.
    LimitComplexity,
    /// Too many fields, after fragments are expanded.
    LimitFields,
    /// Too many aliases.
    LimitAliases,
    /// Too many directives.
    LimitDirectives,
    /// Too many fields at the top of an operation.
    LimitRootFields,
    /// Too many words and signs.
    LimitTokens,
    /// The answer became larger than ever sent.
    LimitAnswer,
    /// More operations on one socket than it carries.
    LimitOperations,
    /// The hash stands for no document that this service was given.
    DocumentUnknown,
    /// The hash is not that of the text beside it.
    DocumentHashWrong,
    /// Only documents that this service was given may run.
    DocumentNotTrusted,
    /// This kind of operation is not for this way in.
    OperationKind,
    /// More result rows than are ever returned.
    LimitRows,
    /// Too many commands in a mutation.
    LimitMutations,
    /// A mutation was sent by GET.
    MutationByGet,
    /// A mutation was sent to a generation of time travel.
    ReadOnlyGeneration,
    /// This process has no way to the write side.
    CommandsNotConfigured,
    /// The write side cannot be reached or cannot work at present; `outcome` says whether the command may have been applied.
    CommandsUnavailable,
    /// A defect on the way of a command; `outcome` says whether it may have been applied.
    CommandsFailed,
    /// No generation of read models serves yet.
    NotReady,
    /// The database cannot be reached; trying again later may help.
    Unavailable,
    /// It took longer than allowed.
    Timeout,
    /// A defect of ours; the correlation id finds it in the log.
    Internal,
}

impl ErrorCode {
    /// Every code, for documentation and the golden list.
    pub const ALL: [Self; 41] = [
        Self::ParseFailed,
        Self::ValidationFailed,
        Self::PagingArguments,
        Self::PageTooLarge,
        Self::CursorInvalid,
        Self::CursorOfAnotherSort,
        Self::InvalidArgument,
        Self::Forbidden,
        Self::FreshnessTimeout,
        Self::Parked,
        Self::TokenOfAnotherLog,
        Self::TokenInvalid,
        Self::BeyondGeneration,
        Self::UnknownGeneration,
        Self::GenerationBuilding,
        Self::ModelAbsent,
        Self::NoHistoryOfBranch,
        Self::LimitDepth,
        Self::LimitComplexity,
        Self::LimitFields,
        Self::LimitAliases,
        Self::LimitDirectives,
        Self::LimitRootFields,
        Self::LimitTokens,
        Self::LimitAnswer,
        Self::LimitOperations,
        Self::DocumentUnknown,
        Self::DocumentHashWrong,
        Self::DocumentNotTrusted,
        Self::OperationKind,
        Self::LimitRows,
        Self::LimitMutations,
        Self::MutationByGet,
        Self::ReadOnlyGeneration,
        Self::CommandsNotConfigured,
        Self::CommandsUnavailable,
        Self::CommandsFailed,
        Self::NotReady,
        Self::Unavailable,
        Self::Timeout,
        Self::Internal,
    ];

    /// The text that clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ParseFailed => "graphql.parse-failed",
            Self::ValidationFailed => "graphql.validation-failed",
            Self::PagingArguments => "paging.arguments",
            Self::PageTooLarge => "paging.page-too-large",
            Self::CursorInvalid => "paging.cursor-invalid",
            Self::CursorOfAnotherSort => "paging.cursor-of-another-sort",
            Self::InvalidArgument => "argument.invalid",
            Self::Forbidden => "auth.forbidden",
            Self::FreshnessTimeout => "freshness.timeout",
            Self::Parked => "projection.parked",
            Self::TokenOfAnotherLog => "freshness.token-of-another-log",
            Self::TokenInvalid => "freshness.token-invalid",
            Self::BeyondGeneration => "freshness.beyond-generation",
            Self::UnknownGeneration => "generation.unknown",
            Self::GenerationBuilding => "generation.building",
            Self::ModelAbsent => "generation.model-absent",
            Self::NoHistoryOfBranch => "generation.no-history",
            Self::LimitDepth => "limit.depth",
            Self::LimitComplexity => "limit.complexity",
            Self::LimitFields => "limit.fields",
            Self::LimitAliases => "limit.aliases",
            Self::LimitDirectives => "limit.directives",
            Self::LimitRootFields => "limit.root-fields",
            Self::LimitTokens => "limit.tokens",
            Self::LimitAnswer => "limit.answer",
            Self::LimitOperations => "limit.operations",
            Self::DocumentUnknown => "document.unknown",
            Self::DocumentHashWrong => "document.hash-wrong",
            Self::DocumentNotTrusted => "document.not-trusted",
            Self::OperationKind => "operation.kind",
            Self::LimitRows => "limit.rows",
            Self::LimitMutations => "limit.mutations",
            Self::MutationByGet => "request.mutation-by-get",
            Self::ReadOnlyGeneration => "generation.read-only",
            Self::CommandsNotConfigured => "commands.not-configured",
            Self::CommandsUnavailable => "commands.unavailable",
            Self::CommandsFailed => "commands.failed",
            Self::NotReady => "service.not-ready",
            Self::Unavailable => "service.unavailable",
            Self::Timeout => "service.timeout",
            Self::Internal => "internal",
        }
    }
}

/// Errors of this crate. The text of a database never reaches a client: sources are for our log.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// See [`ErrorCode::ParseFailed`].
    #[error("{0}")]
    ParseFailed(String),
    /// See [`ErrorCode::ValidationFailed`].
    #[error("{0}")]
    ValidationFailed(String),
    /// See [`ErrorCode::PagingArguments`].
    #[error("{0}")]
    PagingArguments(&'static str),
    /// See [`ErrorCode::PageTooLarge`].
    #[error("a page has 0 to {limit} rows")]
    PageTooLarge {
        /// The largest page.
        limit: i32,
    },
    /// See [`ErrorCode::CursorInvalid`].
    #[error("the cursor is not one of ours")]
    CursorInvalid,
    /// See [`ErrorCode::CursorOfAnotherSort`].
    #[error("the cursor belongs to a list in another order")]
    CursorOfAnotherSort,
    /// See [`ErrorCode::InvalidArgument`].
    #[error("{argument}: {reason}")]
    InvalidArgument {
        /// Which argument.
        argument: &'static str,
        /// Which rule.
        reason: &'static str,
    },
    /// See [`ErrorCode::Forbidden`].
    #[error("the role of this token may not see this field")]
    Forbidden,
    /// See [`ErrorCode::FreshnessTimeout`].
    #[error("the read models did not reach the wanted position within {within_ms} ms")]
    FreshnessTimeout {
        /// How long was waited.
        within_ms: u64,
    },
    /// See [`ErrorCode::Parked`].
    #[error(
        "the stream of the position stands still before an event that cannot be projected; onTimeout: STALE shows the rows there are"
    )]
    Parked,
    /// See [`ErrorCode::TokenOfAnotherLog`].
    #[error("the position token belongs to another log")]
    TokenOfAnotherLog,
    /// See [`ErrorCode::TokenInvalid`].
    #[error("{0}")]
    TokenInvalid(&'static str),
    /// See [`ErrorCode::BeyondGeneration`].
    #[error("the position lies behind the cut of this generation, which does not move")]
    BeyondGeneration,
    /// See [`ErrorCode::UnknownGeneration`].
    #[error("there is no generation of this name to be asked, or it has expired")]
    UnknownGeneration,
    /// See [`ErrorCode::GenerationBuilding`].
    #[error("the generation is still being built")]
    GenerationBuilding,
    /// See [`ErrorCode::ModelAbsent`].
    #[error("this generation was made without the read model {model}")]
    ModelAbsent {
        /// The read model.
        model: &'static str,
    },
    /// See [`ErrorCode::NoHistoryOfBranch`].
    #[error("the events of a branch are not in the journal; ask the log for its history")]
    NoHistoryOfBranch,
    /// See the codes that begin with `limit.`.
    #[error("the query passes a limit: {what} may be at most {limit}")]
    Limit {
        /// Which limit.
        code: ErrorCode,
        /// In words.
        what: &'static str,
        /// The largest value allowed.
        limit: usize,
    },
    /// See [`ErrorCode::DocumentUnknown`].
    #[error(
        "no document with this hash was given to the service; send its text, or have the list of trusted documents brought up to date"
    )]
    DocumentUnknown,
    /// See [`ErrorCode::DocumentHashWrong`].
    #[error("the hash is not the SHA-256 of the document")]
    DocumentHashWrong,
    /// See [`ErrorCode::DocumentNotTrusted`].
    #[error("only documents that were given to the service beforehand may run here")]
    DocumentNotTrusted,
    /// See [`ErrorCode::OperationKind`].
    #[error("{0}")]
    OperationKind(&'static str),
    /// See [`ErrorCode::MutationByGet`].
    #[error("a mutation changes something, so it must be sent by POST")]
    MutationByGet,
    /// See [`ErrorCode::ReadOnlyGeneration`].
    #[error("a generation of time travel cannot be changed: send the mutation to /graphql")]
    ReadOnlyGeneration,
    /// A command without an answer; see the codes that begin with `commands.`.
    #[error("{}", source.advice())]
    Command {
        /// The id of the command, with which it may be repeated.
        client_mutation_id: String,
        /// Why there is none.
        source: Box<Unavailable>,
    },
    /// See [`ErrorCode::NotReady`].
    #[error("no read models serve yet")]
    NotReady,
    /// See [`ErrorCode::Unavailable`].
    #[error("the read models are not available at present")]
    Unavailable(#[source] Option<sqlx::Error>),
    /// See [`ErrorCode::Timeout`].
    #[error("the query took longer than allowed")]
    Timeout,
    /// See [`ErrorCode::Internal`].
    #[error("the query failed for a reason of ours")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl QueryError {
    /// The code that clients see.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::ParseFailed(_) => ErrorCode::ParseFailed,
            Self::ValidationFailed(_) => ErrorCode::ValidationFailed,
            Self::PagingArguments(_) => ErrorCode::PagingArguments,
            Self::PageTooLarge { .. } => ErrorCode::PageTooLarge,
            Self::CursorInvalid => ErrorCode::CursorInvalid,
            Self::CursorOfAnotherSort => ErrorCode::CursorOfAnotherSort,
            Self::InvalidArgument { .. } => ErrorCode::InvalidArgument,
            Self::Forbidden => ErrorCode::Forbidden,
            Self::FreshnessTimeout { .. } => ErrorCode::FreshnessTimeout,
            Self::Parked => ErrorCode::Parked,
            Self::TokenOfAnotherLog => ErrorCode::TokenOfAnotherLog,
            Self::TokenInvalid(_) => ErrorCode::TokenInvalid,
            Self::BeyondGeneration => ErrorCode::BeyondGeneration,
            Self::UnknownGeneration => ErrorCode::UnknownGeneration,
            Self::GenerationBuilding => ErrorCode::GenerationBuilding,
            Self::ModelAbsent { .. } => ErrorCode::ModelAbsent,
            Self::NoHistoryOfBranch => ErrorCode::NoHistoryOfBranch,
            Self::Limit { code, .. } => *code,
            Self::DocumentUnknown => ErrorCode::DocumentUnknown,
            Self::DocumentHashWrong => ErrorCode::DocumentHashWrong,
            Self::DocumentNotTrusted => ErrorCode::DocumentNotTrusted,
            Self::OperationKind(_) => ErrorCode::OperationKind,
            Self::MutationByGet => ErrorCode::MutationByGet,
            Self::ReadOnlyGeneration => ErrorCode::ReadOnlyGeneration,
            Self::Command { source, .. } => match source.why {
                Why::NotConfigured => ErrorCode::CommandsNotConfigured,
                Why::Unavailable => ErrorCode::CommandsUnavailable,
                Why::Failed => ErrorCode::CommandsFailed,
            },
            Self::NotReady => ErrorCode::NotReady,
            Self::Unavailable(_) => ErrorCode::Unavailable,
            Self::Timeout => ErrorCode::Timeout,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// What a client is told besides the code.
    pub(crate) fn extensions(&self) -> Vec<(&'static str, Value)> {
        let Self::Command {
            client_mutation_id,
            source,
        } = self
        else {
            return Vec::new();
        };
        let mut extensions = vec![
            ("clientMutationId", Value::from(client_mutation_id.as_str())),
            ("outcome", Value::from(source.outcome.as_str())),
        ];
        if let Some(code) = &source.code {
            extensions.push(("commandCode", Value::from(code.as_str())));
        }
        if let Some(seconds) = source.retry_after_seconds {
            extensions.push(("retryAfterSeconds", Value::from(seconds)));
        }
        extensions
    }

    /// A stored value that this version does not know: a defect, or rows of a newer version.
    pub(crate) fn unknown_stored(what: &'static str, value: &str) -> Self {
        Self::Internal(format!("unknown stored {what} {value:?}").into())
    }
}

impl From<ReadError> for QueryError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NothingServes => Self::NotReady,
            ReadError::Unknown { .. } => Self::UnknownGeneration,
            ReadError::Building { .. } => Self::GenerationBuilding,
            ReadError::Database(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for QueryError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => match database.code().as_deref() {
                // query_canceled: the statement timeout of the snapshot.
                Some("57014") => Self::Timeout,
                // An earlier statement of the same operation failed (25P02), or the server goes down or comes up (57P0x),
                // or has no room for connections (53300), or lost one (08xxx).
                Some("25P02" | "57P01" | "57P02" | "57P03" | "53300") => Self::Unavailable(Some(error)),
                Some(code) if code.starts_with("08") => Self::Unavailable(Some(error)),
                _ => Self::Internal(Box::new(error)),
            },
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Unavailable(Some(error))
            }
            _ => Self::Internal(Box::new(error)),
        }
    }
}
