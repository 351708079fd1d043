//! A page in plain HTML: generations, lag, how far rebuilds are, streams that stand still, processes.
//!
//! It changes nothing. Without scripts, with a policy that allows none, and with a session that a browser sends to `/admin` alone.

mod html;

use axum::Form;
use axum::Router;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use platform::clock;
use projections::administration::{self, AdministrationError, parked};
use serde::Deserialize;

use crate::access::{Refused, SESSION_COOKIE, bearer, may_look_with, session};
use crate::api::AdminApi;
use html::Shown;

const PAGE: &str = "/admin/projections";
const STYLE: &str = "/admin/style.css";
/// Nothing but the style sheet of this origin, forms to it, and nobody may frame it.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The token ends by itself; a browser that is left open should not keep it for longer than a day's work.
const SESSION_SECONDS: u32 = 8 * 60 * 60;

pub(crate) fn router() -> Router<AdminApi> {
    Router::new()
        .route(PAGE, get(show))
        .route("/admin/session", post(begin))
        .route("/admin/session/end", post(end))
        .route(STYLE, get(style))
}

/// The form with which a session begins.
#[derive(Deserialize)]
struct SessionForm {
    token: String,
}

async fn show(State(api): State<AdminApi>, headers: HeaderMap) -> Response {
    let token = bearer(&headers).ok().or_else(|| session(&headers));
    let allowed = token
        .ok_or(Refused::Missing)
        .and_then(|token| may_look_with(token, api.key()));
    match allowed {
        Ok(()) => {}
        Err(Refused::Role) => return page(StatusCode::FORBIDDEN, html::sign_in("This role may not look at it.")),
        Err(Refused::Missing) => return page(StatusCode::UNAUTHORIZED, html::sign_in("")),
        Err(Refused::Invalid | Refused::Expired) => {
            return page(
                StatusCode::UNAUTHORIZED,
                html::sign_in("The token is not valid any more."),
            );
        }
    }
    match look(&api).await {
        Ok(shown) => page(StatusCode::OK, html::overview(&shown)),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the page of projections cannot be shown"
            );
            page(StatusCode::SERVICE_UNAVAILABLE, html::away(error.code()))
        }
    }
}

async fn look(api: &AdminApi) -> Result<Shown, AdministrationError> {
    let generations = administration::list(api.pool(), api.store()).await?;
    let lags = projections::status(api.pool(), api.store()).await?;
    Ok(Shown {
        generations,
        seconds: lags
            .generations
            .into_iter()
            .map(|lag| (lag.schema, lag.lag_seconds))
            .collect(),
        parked: parked::list(api.pool(), None).await?,
        processes: administration::processes(api.pool()).await?,
        at: clock::now(),
    })
}

async fn begin(State(api): State<AdminApi>, headers: HeaderMap, Form(form): Form<SessionForm>) -> Response {
    if is_from_elsewhere(&headers) {
        return page(StatusCode::FORBIDDEN, html::sign_in("Sign in on this page."));
    }
    let token = form.token.trim();
    match may_look_with(token, api.key()) {
        Ok(()) => go_on(&format!(
            "{SESSION_COOKIE}={token}; Path=/admin; HttpOnly; SameSite=Strict; Max-Age={SESSION_SECONDS}"
        )),
        Err(Refused::Role) => page(StatusCode::FORBIDDEN, html::sign_in("This role may not look at it.")),
        Err(_) => page(StatusCode::UNAUTHORIZED, html::sign_in("The token is not valid.")),
    }
}

async fn end() -> Response {
    go_on(&format!(
        "{SESSION_COOKIE}=; Path=/admin; HttpOnly; SameSite=Strict; Max-Age=0"
    ))
}

/// Browsers say where a form was sent from.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
}

fn go_on(cookie: &str) -> Response {
    let mut response = page(StatusCode::SEE_OTHER, String::new());
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(PAGE));
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

async fn style() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, html::STYLE).into_response()
}

fn page(status: StatusCode, body: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, body).into_response()
}
