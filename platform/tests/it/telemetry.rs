use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use platform::telemetry::{self, LogFormat, TelemetryError, TelemetryOptions};
use serde_json::Value;

/// A log that the test can read.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn read(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone())
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(format: LogFormat, filter: &str) -> TelemetryOptions {
    TelemetryOptions {
        format,
        filter: filter.to_owned(),
    }
}

/// The log of this thread, until the guard is dropped.
///
/// There must be a log of the process as well: while the log of a thread is the only one, tracing lets the first thread
/// that passes a log line decide for all threads whether anybody listens.
pub(crate) fn log_of_this_thread(options: &TelemetryOptions) -> (Lines, tracing::subscriber::DefaultGuard) {
    telemetry::init(&TelemetryOptions {
        format: LogFormat::Text,
        filter: "off".to_owned(),
    })
    .unwrap();
    let lines = Lines::default();
    let writer = lines.clone();
    let log = telemetry::subscriber(options, move || writer.clone()).unwrap();
    (lines, tracing::subscriber::set_default(log))
}

fn logged(options: &TelemetryOptions, write: impl FnOnce()) -> Vec<String> {
    let (lines, _log) = log_of_this_thread(options);
    write();
    lines.read()
}

#[test]
fn json_lines_have_the_fields_at_the_top_and_the_current_span() {
    let lines = logged(&options(LogFormat::Json, "info"), || {
        let span = tracing::info_span!("request", correlation_id = "abc");
        span.in_scope(|| tracing::info!(status = 200, "done"));
    });

    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        (&line["message"], &line["status"], &line["level"]),
        (&"done".into(), &200.into(), &"INFO".into())
    );
    assert_eq!(line["span"]["correlation_id"], "abc");
}

#[test]
fn text_lines_have_no_colour_codes_and_the_filter_holds() {
    let lines = logged(&options(LogFormat::Text, "warn,quiet=off"), || {
        tracing::info!("not wanted");
        tracing::error!(target: "quiet", "not wanted either");
        tracing::warn!("wanted");
    });

    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].ends_with("wanted") && !lines[0].contains('\u{1b}'),
        "{lines:?}"
    );
}

#[test]
fn a_filter_that_is_none_is_refused() {
    let error = telemetry::subscriber(&options(LogFormat::Text, "info,x=loud"), io::sink)
        .err()
        .unwrap();

    assert!(matches!(error, TelemetryError::BadFilter { .. }), "{error:?}");
    assert_eq!(error.to_string(), "log filter \"info,x=loud\" is not valid");
}

#[test]
fn starting_twice_gives_the_same_metrics() {
    let options = options(LogFormat::Text, "warn");
    let first = telemetry::init(&options).unwrap();
    let second = telemetry::init(&options).unwrap();

    metrics::counter!("telemetry_test_total").increment(2);
    metrics::histogram!("telemetry_test_seconds").record(0.003);

    assert_eq!(first.render().matches("telemetry_test_total 2").count(), 1);
    let rendered = second.render();
    assert!(
        rendered.contains(r#"telemetry_test_seconds_bucket{le="0.0025"} 0"#),
        "{rendered}"
    );
    assert!(
        rendered.contains(r#"telemetry_test_seconds_bucket{le="0.005"} 1"#),
        "{rendered}"
    );
}
