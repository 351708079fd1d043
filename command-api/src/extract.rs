//! What every command route reads from a request before its body.

mod authentication;
mod body;
mod conditions;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use domain::CommandId;
use event_store::{PositionToken, StreamState};
use platform::problem::Problem;

pub(crate) use authentication::{Authenticated, Unauthenticated};
pub(crate) use body::JsonBody;
pub(crate) use conditions::IDEMPOTENCY_KEY_HEADER;

use crate::api::CommandApi;
use crate::order::Caller;

/// The head of a request that carries one command.
#[derive(Debug)]
pub(crate) struct CommandHead {
    pub(crate) caller: Caller,
    /// The client's, or made here.
    pub(crate) command_id: CommandId,
    pub(crate) expected: StreamState,
    /// The token of an earlier answer, to be merged into this one's.
    pub(crate) earlier: Option<PositionToken>,
}

/// The request goes no further than its head.
#[derive(Debug)]
pub(crate) enum HeadRejection {
    Unauthenticated(Unauthenticated),
    Problem(Problem),
}

impl FromRequestParts<CommandApi> for CommandHead {
    type Rejection = HeadRejection;

    async fn from_request_parts(parts: &mut Parts, api: &CommandApi) -> Result<Self, HeadRejection> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, api)
            .await
            .map_err(HeadRejection::Unauthenticated)?;
        api.check_rate(caller.actor)
            .map_err(|early| HeadRejection::Problem(early.into()))?;
        let headers = &parts.headers;
        let head = || {
            Ok(Self {
                command_id: conditions::command_id(headers)?,
                expected: conditions::expected(headers)?,
                earlier: conditions::earlier_position(headers)?,
                caller,
            })
        };
        head().map_err(HeadRejection::Problem)
    }
}

impl IntoResponse for HeadRejection {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthenticated(unauthenticated) => unauthenticated.into_response(),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}
