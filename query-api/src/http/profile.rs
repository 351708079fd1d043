//! Which status an answer has: by the draft that the published audit of `graphql-http` checks, or by the newer one.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::media_type::MediaType;
use crate::answer::Answer;
use crate::error::ErrorCode;

/// Status codes by which draft of GraphQL over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpProfile {
    /// The draft that the `graphql-http` audit checks, and that clients of today were built for: a refused operation is 400 in the GraphQL
    /// media type, and 200 in `application/json`, where older clients expect every well-formed answer.
    #[default]
    Audit,
    /// The draft of August 2026: 422 for what cannot be run, 294 for data beside errors, the same in either media type.
    Draft2026,
}

/// Data and errors; named so by the draft, and not registered.
const PARTIAL_SUCCESS: u16 = 294;

impl HttpProfile {
    /// 503, 500, 404 and 409 in either media type, so that balancers and monitors see a service in trouble.
    pub(super) fn status(self, answer: &Answer, media_type: MediaType) -> StatusCode {
        let Some(code) = answer.refused else {
            return self.executed(answer);
        };
        match (self, code, media_type) {
            (_, ErrorCode::Unavailable | ErrorCode::NotReady | ErrorCode::Timeout, _)
            | (Self::Audit, ErrorCode::FreshnessTimeout, MediaType::GraphQlResponse)
            | (Self::Draft2026, ErrorCode::FreshnessTimeout, _) => StatusCode::SERVICE_UNAVAILABLE,
            (_, ErrorCode::UnknownGeneration, _) => StatusCode::NOT_FOUND,
            (_, ErrorCode::GenerationBuilding, _) => StatusCode::CONFLICT,
            (_, ErrorCode::Internal, _) => StatusCode::INTERNAL_SERVER_ERROR,
            (_, ErrorCode::MutationByGet, _) => StatusCode::METHOD_NOT_ALLOWED,
            (Self::Audit, _, MediaType::Json) => StatusCode::OK,
            (Self::Audit, _, MediaType::GraphQlResponse) | (Self::Draft2026, ErrorCode::ParseFailed, _) => {
                StatusCode::BAD_REQUEST
            }
            (Self::Draft2026, _, _) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    fn executed(self, answer: &Answer) -> StatusCode {
        if self == Self::Draft2026 && !answer.response.errors.is_empty() {
            StatusCode::from_u16(PARTIAL_SUCCESS).unwrap_or(StatusCode::OK)
        } else {
            StatusCode::OK
        }
    }

    /// A body that is JSON, and not the parameters of an operation.
    pub(super) fn invalid_parameters(self) -> StatusCode {
        match self {
            Self::Audit => StatusCode::BAD_REQUEST,
            Self::Draft2026 => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}
