//! Who calls: the bearer token, and what ties the request to others.

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::{Actor, Role, UserId};
use platform::http::{CorrelationId, TraceParent};
use platform::problem::Problem;
use platform::token::{Claims, TokenError};
use uuid::Uuid;

use crate::api::CommandApi;
use crate::order::Caller;

/// The caller is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unauthenticated {
    Missing,
    Invalid,
    Expired,
}

/// A caller whose token was checked.
#[derive(Debug)]
pub(crate) struct Authenticated(pub(crate) Caller);

impl FromRequestParts<CommandApi> for Authenticated {
    type Rejection = Unauthenticated;

    async fn from_request_parts(parts: &mut Parts, api: &CommandApi) -> Result<Self, Unauthenticated> {
        let claims = claims(&parts.headers, api)?;
        let role = claims.role.parse::<Role>().map_err(|_| Unauthenticated::Invalid)?;
        let correlation_id = parts.extensions.get::<CorrelationId>().map_or_else(
            || Uuid::now_v7().to_string(),
            |correlation_id| correlation_id.as_str().to_owned(),
        );
        let traceparent = parts
            .extensions
            .get::<TraceParent>()
            .and_then(|parent| parent.0.clone());
        Ok(Self(Caller {
            actor: Actor {
                id: UserId::new(claims.subject),
                role,
            },
            correlation_id,
            traceparent,
        }))
    }
}

fn claims(headers: &HeaderMap, api: &CommandApi) -> Result<Claims, Unauthenticated> {
    let value = headers.get(AUTHORIZATION).ok_or(Unauthenticated::Missing)?;
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(Unauthenticated::Invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Unauthenticated::Missing);
    }
    api.signing_key().verify(token.trim()).map_err(|error| match error {
        TokenError::Expired => Unauthenticated::Expired,
        TokenError::Malformed | TokenError::BadSignature | TokenError::NotYetValid => Unauthenticated::Invalid,
    })
}

impl IntoResponse for Unauthenticated {
    fn into_response(self) -> Response {
        let (code, title, challenge) = match self {
            Self::Missing => ("auth.missing-token", "Token missing", "Bearer"),
            Self::Invalid => (
                "auth.invalid-token",
                "Token not valid",
                "Bearer error=\"invalid_token\"",
            ),
            Self::Expired => (
                "auth.expired-token",
                "Token expired",
                "Bearer error=\"invalid_token\", error_description=\"the token has expired\"",
            ),
        };
        let mut response = Problem::new(StatusCode::UNAUTHORIZED, code, title).into_response();
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        response
    }
}
