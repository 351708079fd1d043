//! Headers that make a command repeatable, conditional, and ordered after another.

use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::CommandId;
use domain::id::CommandIdError;
use event_store::{PositionToken, StreamState};
use platform::problem::Problem;
use uuid::Uuid;

use crate::problem;
use crate::reply::POSITION_HEADER;

/// The client's command id; sent back with every answer, made here when absent.
pub(crate) const IDEMPOTENCY_KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");

pub(super) fn command_id(headers: &HeaderMap) -> Result<CommandId, Problem> {
    match single(headers, &IDEMPOTENCY_KEY_HEADER) {
        Ok(None) => Ok(CommandId::from_uuid(Uuid::now_v7())),
        Ok(Some(value)) => {
            let text = value
                .to_str()
                .map_err(|_| problem::invalid_key(CommandIdError::NotVisibleAscii))?;
            CommandId::parse(text).map_err(problem::invalid_key)
        }
        Err(Repeated) => Err(problem::invalid_key(CommandIdError::NotVisibleAscii)),
    }
}

/// One strong entity tag, which is a revision, or `*`.
pub(super) fn expected(headers: &HeaderMap) -> Result<StreamState, Problem> {
    let Some(value) = single(headers, &IF_MATCH).map_err(|Repeated| problem::malformed_precondition())? else {
        return Ok(StreamState::Any);
    };
    let text = value.to_str().map_err(|_| problem::malformed_precondition())?.trim();
    if text == "*" {
        return Ok(StreamState::StreamExists);
    }
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .map(StreamState::StreamRevision)
        .ok_or_else(problem::malformed_precondition)
}

pub(super) fn earlier_position(headers: &HeaderMap) -> Result<Option<PositionToken>, Problem> {
    let malformed = problem::malformed_position;
    let Some(value) = single(headers, &POSITION_HEADER).map_err(|Repeated| malformed())? else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| malformed())?;
    PositionToken::decode(text).map(Some).map_err(|_| malformed())
}

/// The header came more than once, and nobody can tell which is meant.
struct Repeated;

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Repeated),
    }
}
