//! The metrics of this process as Prometheus reads them. No listener of its own: `/metrics` is a route like others.

use std::thread;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::TelemetryError;

/// Seconds, from a tenth of a millisecond (a cached answer) to a minute (a long wait), about three steps a decade.
const BUCKETS_SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

/// Histogram samples pile up until they are drained; this is how often, even when nobody reads `/metrics`.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Reads the metrics of this process.
#[derive(Clone)]
pub struct MetricsHandle {
    prometheus: PrometheusHandle,
}

impl MetricsHandle {
    pub(super) fn install() -> Result<Self, TelemetryError> {
        let prometheus = PrometheusBuilder::new()
            .set_buckets(BUCKETS_SECONDS)?
            .install_recorder()?;
        let upkeep = prometheus.clone();
        // A thread and not a task: it must outlive whichever runtime (of a test, of a role) called first.
        thread::Builder::new()
            .name("metrics-upkeep".to_owned())
            .spawn(move || {
                loop {
                    thread::sleep(UPKEEP_INTERVAL);
                    upkeep.run_upkeep();
                }
            })?;
        Ok(Self { prometheus })
    }

    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.prometheus.render()
    }

    /// The route `/metrics`.
    pub fn router(&self) -> Router {
        let handle = self.clone();
        Router::new().route(
            "/metrics",
            get(move || async move {
                (
                    [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
                    handle.render(),
                )
            }),
        )
    }
}

impl std::fmt::Debug for MetricsHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MetricsHandle")
    }
}
