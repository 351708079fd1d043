//! Who may: administrators do and look, analysts look.
//!
//! The routes under `/api` take a bearer token and nothing else. A cookie is taken for the page alone, which changes nothing, so a page of
//! somebody else that a browser is made to open or to send a form from cannot do anything.

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::{Actor, Role, UserId};
use platform::http::CorrelationId;
use platform::problem::Problem;
use platform::token::{SigningKey, TokenError};
use projections::administration::Operator;
use uuid::Uuid;

use crate::api::AdminApi;

/// Its path keeps it away from the routes under `/api`.
pub(crate) const SESSION_COOKIE: &str = "coding-agent-admin";

/// Somebody who may look.
pub(crate) struct Viewer;

/// Somebody who may do everything, and the request that he makes.
pub(crate) struct Administrating(pub(crate) Operator);

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Missing,
    Invalid,
    Expired,
    Role,
}

impl FromRequestParts<AdminApi> for Viewer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &AdminApi) -> Result<Self, Refused> {
        let actor = actor(bearer(&parts.headers)?, api.key())?;
        may_look(actor).map(|()| Self)
    }
}

impl FromRequestParts<AdminApi> for Administrating {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &AdminApi) -> Result<Self, Refused> {
        let actor = actor(bearer(&parts.headers)?, api.key())?;
        if actor.role != Role::Admin {
            return Err(Refused::Role);
        }
        let correlation_id = parts.extensions.get::<CorrelationId>().map_or_else(
            || Uuid::now_v7().to_string(),
            |correlation_id| correlation_id.as_str().to_owned(),
        );
        Ok(Self(Operator {
            actor,
            account: None,
            correlation_id,
        }))
    }
}

/// May the bearer of this token look?
pub(crate) fn may_look_with(token: &str, key: &SigningKey) -> Result<(), Refused> {
    may_look(actor(token, key)?)
}

/// The token of the page's session.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(name, value)| (name == SESSION_COOKIE).then_some(value))
}

fn may_look(actor: Actor) -> Result<(), Refused> {
    match actor.role {
        Role::Admin | Role::Analyst => Ok(()),
        Role::User | Role::Service => Err(Refused::Role),
    }
}

pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Refused> {
    let value = headers.get(AUTHORIZATION).ok_or(Refused::Missing)?;
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(Refused::Invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(Refused::Missing)
    }
}

fn actor(token: &str, key: &SigningKey) -> Result<Actor, Refused> {
    let claims = key.verify(token).map_err(|error| match error {
        TokenError::Expired => Refused::Expired,
        TokenError::Malformed | TokenError::BadSignature | TokenError::NotYetValid => Refused::Invalid,
    })?;
    let role = claims.role.parse().map_err(|_| Refused::Invalid)?;
    Ok(Actor {
        id: UserId::new(claims.subject),
        role,
    })
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (code, title) = match self {
            Self::Missing => ("auth.missing-token", "Token missing"),
            Self::Invalid => ("auth.invalid-token", "Token not valid"),
            Self::Expired => ("auth.expired-token", "Token expired"),
            Self::Role => {
                return Problem::new(StatusCode::FORBIDDEN, "auth.role-not-allowed", "Role may not do this")
                    .detail("administrators do this; analysts may look")
                    .into_response();
            }
        };
        let mut response = Problem::new(StatusCode::UNAUTHORIZED, code, title).into_response();
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    }
}
