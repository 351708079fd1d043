//! Every problem that this service answers with, and its status. Codes are stable; words are for people.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::RefusalKind;
use platform::problem::Problem;
use serde_json::Value;

use crate::dto::InvalidBody;
use crate::handling::{Certainty, Refused, Rejection};

/// How soon to try again when nobody knows when it will be better.
const RETRY_SECONDS: u64 = 1;

/// Not JSON at all.
pub(crate) fn malformed_json(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "request.malformed-json", "Request is not JSON")
        .detail(error.to_string())
        .with("line", error.line())
        .with("column", error.column())
}

/// JSON, but not that of the command.
pub(crate) fn invalid_body(fault: InvalidBody) -> Problem {
    let problem = Problem::new(
        StatusCode::BAD_REQUEST,
        "request.invalid-body",
        "Request body does not fit",
    )
    .detail(fault.reason);
    if fault.field.is_empty() {
        problem
    } else {
        problem.field(fault.field)
    }
}

/// Another content type than the route takes.
pub(crate) fn unsupported_media_type(expected: &'static str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "request.media-type-not-supported",
        "Media type not supported",
    )
    .detail(format!("send the body as {expected}"))
}

/// More bytes than the route takes.
pub(crate) fn body_too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "request.body-too-large",
        "Request body too large",
    )
}

/// The connection broke, or the framing was wrong.
pub(crate) fn body_unreadable() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "request.not-readable",
        "Request cannot be read",
    )
}

/// An id in the path, or the header or field of that name, is not a UUID.
pub(crate) fn malformed_id(field: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "request.id-malformed", "Id is not a UUID")
        .detail(format!("{field} must be a UUID"))
        .field(field)
}

/// `Idempotency-Key`, or `commandId` of a line.
pub(crate) fn invalid_key(error: domain::id::CommandIdError) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "idempotency.key-invalid",
        "Command id is not valid",
    )
    .detail(error.to_string())
}

/// `If-Match`.
pub(crate) fn malformed_precondition() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "precondition.malformed",
        "If-Match is not readable",
    )
    .detail("If-Match takes one revision in double quotes, such as \"7\", or *")
}

/// `Position`.
pub(crate) fn malformed_position() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "request.position-malformed",
        "Position token is not readable",
    )
    .detail("the header Position takes a token as an earlier answer gave it")
}

/// A role that may never give this command.
pub(crate) fn role_not_allowed() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "auth.role-not-allowed", "Role may not do this")
        .detail("the role of the token does not give this command")
}

/// A field that only services may send.
pub(crate) fn service_only_field(field: &'static str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "auth.service-only-field",
        "Field is for services only",
    )
    .detail(format!("only role service may send {field}"))
    .field(field)
}

/// A line of a bulk request names no command.
pub(crate) fn unknown_command() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "request.unknown-command",
        "There is no such command",
    )
    .field("command")
}

/// A rule of the edge about the content, such as the range of a time.
pub(crate) fn invalid_content(code: &'static str, field: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "Content breaks a rule")
        .detail(detail)
        .field(field)
}

/// A line of a bulk request is too long.
pub(crate) fn line_too_long(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "bulk.line-too-long", "Line too long").limit(limit as u64)
}

/// A bulk request has too many lines.
pub(crate) fn too_many_lines(limit: u64) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "bulk.too-many-lines", "Too many lines")
        .detail("this line and all after it were not read")
        .limit(limit)
}

/// A command that was not taken.
pub(crate) fn from_rejection(rejection: Rejection, now: DateTime<Utc>) -> Problem {
    match rejection {
        Rejection::Refused(refused) => from_refusal(refused, now),
        Rejection::Conflict { current, is_final } => {
            let problem = Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "precondition.failed",
                "Revision is another one",
            )
            .detail("the stream is not at the expected revision")
            .with("currentRevision", current.map_or(Value::Null, Value::from));
            if is_final { for_good(problem) } else { problem }
        }
        Rejection::KeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency.key-reused",
            "Command id was used before",
        )
        .detail("the command id was used before with other content; use a new one"),
        Rejection::TooLarge { limit, .. } => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "log.commit-too-large",
            "Command too large",
        )
        .limit(limit as u64),
        Rejection::Unavailable {
            certainty,
            code,
            reason,
        } => {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, "Command could not be worked on")
                .outcome(match certainty {
                    Certainty::NotApplied => "not-applied",
                    Certainty::Unknown => "unknown",
                })
                .retry_after_seconds(RETRY_SECONDS);
            // What a store says may quote a database; what we say ourselves does not.
            if code.starts_with("log.") {
                problem
            } else {
                problem.detail(reason)
            }
        }
        Rejection::Failed { code, .. } => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, code, "Command failed").outcome("not-applied")
        }
    }
}

/// The answer is recorded: the command id is used up.
fn for_good(problem: Problem) -> Problem {
    problem.with("final", true)
}

fn from_refusal(refused: Refused, now: DateTime<Utc>) -> Problem {
    let (status, title) = match refused.kind {
        RefusalKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "Content breaks a rule"),
        RefusalKind::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
        RefusalKind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        RefusalKind::State => (StatusCode::CONFLICT, "State forbids it"),
        RefusalKind::Deleted => (StatusCode::GONE, "Deleted"),
        RefusalKind::Limited => (StatusCode::TOO_MANY_REQUESTS, "Limit reached"),
    };
    let mut problem = Problem::new(status, refused.code, title).detail(refused.message);
    if let Some(field) = refused.field {
        problem = problem.field(field);
    }
    if refused.is_final {
        problem = for_good(problem);
    }
    if let Some(limit) = refused.limit {
        problem = problem.limit(limit);
    }
    if let Some(retry_at) = refused.retry_at {
        let milliseconds = u64::try_from((retry_at - now).num_milliseconds()).unwrap_or(0);
        problem = problem
            .with("retryAt", retry_at.to_rfc3339())
            .retry_after_seconds(milliseconds.div_ceil(1_000).max(1));
    }
    problem
}
