//! Who asks: the bearer token of a request, or of a socket.

use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use chrono::{DateTime, Utc};
use domain::{Role, UserId};
use platform::config::Secret;
use platform::problem::Problem;
use platform::token::{SigningKey, TokenError};

use crate::caller::{Caller, Trace};
use crate::viewer::Viewer;

/// Somebody whose token was good, until it ends.
#[derive(Debug, Clone)]
pub(super) struct Authenticated {
    pub(super) viewer: Viewer,
    /// Printing it shows nothing.
    pub(super) token: Secret<String>,
    pub(super) expires_at: DateTime<Utc>,
}

impl Authenticated {
    /// As the sender of a request.
    pub(super) fn caller(&self, trace: &Trace) -> Arc<Caller> {
        Arc::new(Caller {
            viewer: self.viewer,
            token: self.token.clone(),
            correlation_id: trace.correlation_id.clone(),
            traceparent: trace.traceparent.clone(),
        })
    }

    /// How long the token is good yet.
    pub(super) fn left(&self) -> std::time::Duration {
        let left = self.expires_at.signed_duration_since(platform::clock::now());
        left.to_std().unwrap_or_default()
    }
}

/// Whom the token in the headers names; 401 without a valid one.
pub(super) fn of_headers(key: &SigningKey, headers: &HeaderMap) -> Result<Authenticated, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (values.next(), values.next()) else {
        return Err(missing());
    };
    of_credentials(key, header.to_str().map_err(|_| missing())?)
}

/// The same for `Bearer` and a token, wherever they came from.
pub(super) fn of_credentials(key: &SigningKey, credentials: &str) -> Result<Authenticated, Problem> {
    let (scheme, token) = credentials.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    let token = token.trim();
    let claims = key.verify(token).map_err(|error| match error {
        TokenError::Expired => unauthorized("auth.expired-token", "The token has expired"),
        TokenError::Malformed | TokenError::BadSignature | TokenError::NotYetValid => invalid(),
    })?;
    let role: Role = claims.role.parse().map_err(|_| invalid())?;
    Ok(Authenticated {
        viewer: Viewer {
            id: UserId::new(claims.subject),
            role,
        },
        token: Secret::new(token.to_owned()),
        expires_at: claims.expires_at,
    })
}

/// Says how to authenticate, as every 401 must.
pub(super) fn challenge(headers: &mut HeaderMap) {
    headers.insert(
        WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"coding-agent\""),
    );
}

fn missing() -> Problem {
    unauthorized("auth.missing-token", "A bearer token is needed")
}

fn invalid() -> Problem {
    unauthorized("auth.invalid-token", "The token is not valid here")
}

fn unauthorized(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, title)
}
