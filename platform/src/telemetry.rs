//! Logs to stderr and metrics for Prometheus, set up once a process.

mod metrics_handle;

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

pub use metrics_handle::MetricsHandle;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One line for people.
    #[default]
    Text,
    /// One JSON object a line, the event's fields at its top level.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryOptions {
    /// Text or JSON.
    pub format: LogFormat,
    /// Directives of `tracing_subscriber::EnvFilter`, such as `info,http_request=warn`.
    pub filter: String,
}

impl Default for TelemetryOptions {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
        }
    }
}

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter has a directive that is none.
    #[error("log filter {filter:?} is not valid")]
    BadFilter {
        /// The filter as configured.
        filter: String,
        /// What the parser said.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something else in this process took the log before us.
    #[error("logs already go elsewhere in this process")]
    LogsTaken(#[from] SetGlobalDefaultError),
    /// The metrics recorder could not be installed.
    #[error("metrics recorder cannot be installed")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// The thread that keeps histograms small could not be started.
    #[error("metrics upkeep thread cannot be started")]
    Upkeep(#[from] std::io::Error),
}

/// Starts logs and metrics. A second call changes nothing and returns the handle of the first.
pub fn init(options: &TelemetryOptions) -> Result<MetricsHandle, TelemetryError> {
    static STARTED: Mutex<Option<MetricsHandle>> = Mutex::new(None);
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*started {
        return Ok(handle.clone());
    }
    tracing::subscriber::set_global_default(subscriber(options, std::io::stderr)?)?;
    let handle = MetricsHandle::install()?;
    *started = Some(handle.clone());
    Ok(handle)
}

/// The log that [`init`] installs, writing to `writer`.
pub fn subscriber<W>(options: &TelemetryOptions, writer: W) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&options.filter).map_err(|source| TelemetryError::BadFilter {
        filter: options.filter.clone(),
        source,
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match options.format {
        // Colour codes would end up in files and journals.
        LogFormat::Text => Box::new(log.with_ansi(false).finish()),
        // One current span is enough: it holds the correlation id, and a list of spans repeats its fields.
        LogFormat::Json => Box::new(log.json().flatten_event(true).with_span_list(false).finish()),
    })
}
