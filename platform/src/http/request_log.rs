//! One log line and two metrics for each request, where it enters and leaves. Never bodies, queries or headers.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Unit, describe_counter, describe_histogram};
use tracing::{Instrument, info_span};

use super::CorrelationId;

/// The target of the log line and of the span, for filters such as `info,http_request=warn`.
const TARGET: &str = "http_request";

/// Says what the numbers mean; once a process, after the recorder was installed.
pub fn describe_metrics() {
    describe_counter!(
        "http_requests_total",
        Unit::Count,
        "HTTP requests answered, by method, route and status."
    );
    describe_histogram!(
        "http_request_duration_seconds",
        Unit::Seconds,
        "From the head of a request to the head of its response."
    );
}

pub(super) async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method_name(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    // The path as routed, not as sent: a path that somebody made up must not become a metric of its own.
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let correlation_id = request
        .extensions()
        .get::<CorrelationId>()
        .map_or("", CorrelationId::as_str);
    let span = info_span!(target: TARGET, "request", correlation_id, method, route);

    let response = next.run(request).instrument(span.clone()).await;

    let status = response.status();
    let elapsed = started.elapsed();
    let milliseconds = elapsed.as_secs_f64() * 1_000.0;
    // In the span, so that the line has the correlation id.
    span.in_scope(|| {
        let status = status.as_u16();
        if is_probe(route) {
            // Whoever asks is told; a service that is not ready yet is no failure.
            tracing::debug!(target: TARGET, method, route, status, milliseconds, "request");
        } else if status >= 500 {
            tracing::error!(target: TARGET, method, route, status, milliseconds, "request failed");
        } else {
            tracing::info!(target: TARGET, method, route, status, milliseconds, "request");
        }
    });
    let labels = [
        ("method", method.to_owned()),
        ("route", route.to_owned()),
        ("status", status.as_str().to_owned()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    response
}

/// A closed set: the method is a label of a metric, and a client may send any word as one.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Asked for every few seconds by machines: logged only when somebody looks for them.
fn is_probe(route: &str) -> bool {
    matches!(route, "/health/live" | "/health/ready" | "/metrics")
}
