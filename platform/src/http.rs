//! The HTTP edge that every role shares: one stack of layers, in one visible order, and the server loop.

mod body_limit;
mod fallback;
mod problems;
mod request_context;
mod request_log;
mod request_timeout;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use serde::{Deserialize, Serialize};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

pub use request_context::{CORRELATION_ID_HEADER, CorrelationId, TraceParent};
pub use request_log::describe_metrics;
pub use server::{ServeError, ServeLimits, serve};

use body_limit::BodyLimits;

/// Where to listen and what a request may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpOptions {
    /// The address; nothing is reachable from elsewhere unless this says so.
    pub listen: SocketAddr,
    /// `host:port` under which other nodes of the installation reach this one, when that is another address.
    pub advertise: Option<String>,
    /// The largest body of a request; more is answered with 413.
    pub max_body_bytes: usize,
    /// The time until the answer must begin; after it 503 is given.
    pub request_timeout_ms: u64,
}

impl HttpOptions {
    /// Where other nodes find this one.
    pub fn advertised(&self) -> String {
        self.advertise.clone().unwrap_or_else(|| self.listen.to_string())
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 5000)),
            advertise: None,
            max_body_bytes: 1024 * 1024,
            request_timeout_ms: 30_000,
        }
    }
}

/// A route (as written in the router) that takes other bodies than [`HttpOptions::max_body_bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyLimitOfRoute {
    /// The path of the route, such as `/api/commands`.
    pub route: &'static str,
    /// Its largest body.
    pub max_body_bytes: usize,
}

/// Wraps a complete router: call it last. A fallback of the router itself is replaced by the 404 problem.
///
/// The order below is policy, the outermost first. What is inside the request log is logged and counted; what is
/// inside the panic and time limits is survived.
pub fn with_standard_layers(router: Router, options: &HttpOptions, body_limits: &[BodyLimitOfRoute]) -> Router {
    let body_limits = Arc::new(BodyLimits::new(options.max_body_bytes, body_limits));
    let timeout = Duration::from_millis(options.request_timeout_ms);
    router
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer(
            ServiceBuilder::new()
                .layer(from_fn(request_context::attach))
                .layer(from_fn(request_log::observe))
                .layer(CatchPanicLayer::custom(fallback::panicked))
                .layer(from_fn_with_state(timeout, request_timeout::limit))
                .layer(from_fn(problems::from_rejections))
                .layer(from_fn_with_state(body_limits, body_limit::limit)),
        )
}
