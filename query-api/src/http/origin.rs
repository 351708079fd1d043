//! Pages of which web sites may ask.
//!
//! A browser says from which site a page asks (`Origin`). A page of another site than the service's own gets no answer unless the
//! configuration names it, whatever it has of tokens: this is what keeps one site from acting for the people who look at it. Programs that are no
//! browsers send no `Origin`, and are not asked.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use platform::problem::Problem;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::options::QueryApiOptions;

/// How long a browser may remember that a site may ask.
const REMEMBERED: std::time::Duration = std::time::Duration::from_mins(10);

/// Refuses pages of sites that were not named.
pub(super) fn check(headers: &HeaderMap, options: &QueryApiOptions) -> Result<(), Problem> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_own = origin
        .split_once("://")
        .is_some_and(|(_, site)| host.is_some_and(|host| host.eq_ignore_ascii_case(site)));
    if is_own || options.allowed_origins.iter().any(|allowed| allowed == origin) {
        return Ok(());
    }
    let title = "Pages of this web site may not ask";
    Err(Problem::new(StatusCode::FORBIDDEN, "origin.not-allowed", title)
        .detail("name the site in query_api.allowed_origins if its pages shall ask"))
}

/// Tells browsers which sites may ask and read the answer.
pub(super) fn cors(options: &QueryApiOptions) -> CorsLayer {
    let origins: Vec<HeaderValue> = options
        .allowed_origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok())
        .collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            header::IF_NONE_MATCH,
            super::parameters::POSITION_AFTER_HEADER,
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER, super::response::POSITION_HEADER])
        .max_age(REMEMBERED)
}
