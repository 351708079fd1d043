//! `GET /api/status`: the end of the log, whether it takes writes, and the place of every generation, for `coding-agent status`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use event_store::EventStore;
use kafka::GuardState;
use platform::problem::Problem;
use platform::token::{SigningKey, TokenError};
use sqlx::PgPool;
use tokio::sync::watch;

/// What the route needs.
#[derive(Clone)]
pub(crate) struct StatusRoute {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) pool: PgPool,
    pub(crate) key: SigningKey,
    pub(crate) log_kind: &'static str,
    /// Absent where nobody else could harm the log.
    pub(crate) guard: Option<watch::Receiver<GuardState>>,
}

pub(crate) fn router(route: StatusRoute) -> Router {
    Router::new().route("/api/status", get(status)).with_state(route)
}

async fn status(State(route): State<StatusRoute>, headers: HeaderMap) -> Response {
    if let Err(refused) = authorize(&route.key, &headers) {
        return refused.into_response();
    }
    match projections::status(&route.pool, &*route.store).await {
        Ok(status) => {
            let mut body = serde_json::to_value(&status).unwrap_or_default();
            body["logKind"] = route.log_kind.into();
            if let Some(guard) = &route.guard {
                body["guard"] = serde_json::to_value(&*guard.borrow()).unwrap_or_default();
            }
            Json(body).into_response()
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "status cannot be told");
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "status.unavailable",
                "The state of the log cannot be read",
            )
            .retry_after_seconds(1)
            .into_response()
        }
    }
}

/// Why somebody is not told.
enum Refused {
    /// 401 with this code.
    Unauthenticated(&'static str),
    Forbidden,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthenticated(code) => {
                let problem = Problem::new(StatusCode::UNAUTHORIZED, code, "A bearer token is needed");
                // Every 401 must say how to authenticate.
                ([(header::WWW_AUTHENTICATE, "Bearer")], problem).into_response()
            }
            Self::Forbidden => {
                let title = "Only admins, analysts and services see the state of the log";
                Problem::new(StatusCode::FORBIDDEN, "auth.wrong-role", title).into_response()
            }
        }
    }
}

fn authorize(key: &SigningKey, headers: &HeaderMap) -> Result<(), Refused> {
    let (_, token) = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .ok_or(Refused::Unauthenticated("auth.missing-token"))?;
    let claims = key.verify(token.trim()).map_err(|error| match error {
        TokenError::Expired => Refused::Unauthenticated("auth.expired-token"),
        TokenError::Malformed | TokenError::BadSignature | TokenError::NotYetValid => {
            Refused::Unauthenticated("auth.invalid-token")
        }
    })?;
    match claims.role.as_str() {
        "admin" | "analyst" | "service" => Ok(()),
        _ => Err(Refused::Forbidden),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::HeaderValue;
    use uuid::Uuid;

    use super::*;

    fn answer(authorization: Option<&str>) -> Option<Response> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        authorize(&SigningKey::from_secret(&[7; 32]), &headers)
            .err()
            .map(IntoResponse::into_response)
    }

    fn token(role: &str) -> String {
        SigningKey::from_secret(&[7; 32])
            .mint(Uuid::nil(), role, Duration::from_mins(1))
            .unwrap()
    }

    #[test]
    fn without_a_valid_token_the_answer_says_how_to_authenticate() {
        for authorization in [None, Some("Basic abc"), Some("Bearer abc")] {
            let refused = answer(authorization).unwrap();
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(refused.headers()[header::WWW_AUTHENTICATE], "Bearer");
        }
    }

    #[test]
    fn the_name_of_the_scheme_is_read_in_any_case() {
        assert!(answer(Some(&format!("bearer {}", token("admin")))).is_none());
    }

    #[test]
    fn a_user_does_not_see_the_state_of_the_log() {
        let refused = answer(Some(&format!("Bearer {}", token("user")))).unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    }
}
