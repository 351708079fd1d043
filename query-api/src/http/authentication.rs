//! Who asks: the bearer token of the request.

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use domain::{Role, UserId};
use platform::problem::Problem;
use platform::token::{SigningKey, TokenError};

use crate::viewer::Viewer;

/// The viewer that the token names; 401 without a valid one.
pub(super) fn viewer(key: &SigningKey, headers: &HeaderMap) -> Result<Viewer, Problem> {
    let missing = || unauthorized("auth.missing-token", "A bearer token is needed");
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (values.next(), values.next()) else {
        return Err(missing());
    };
    let (scheme, token) = header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    let claims = key.verify(token.trim()).map_err(|error| match error {
        TokenError::Expired => unauthorized("auth.expired-token", "The token has expired"),
        TokenError::Malformed | TokenError::BadSignature | TokenError::NotYetValid => invalid(),
    })?;
    let role: Role = claims.role.parse().map_err(|_| invalid())?;
    Ok(Viewer {
        id: UserId::new(claims.subject),
        role,
    })
}

/// Says how to authenticate, as every 401 must.
pub(super) fn challenge(headers: &mut HeaderMap) {
    headers.insert(
        WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"coding-agent\""),
    );
}

fn invalid() -> Problem {
    unauthorized("auth.invalid-token", "The token is not valid here")
}

fn unauthorized(code: &'static str, title: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, title)
}
