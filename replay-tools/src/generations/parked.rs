//! Streams that stand still before an event that cannot be projected: shown, tried again, or gone on with past the event.

use std::process::ExitCode;

use clap::{ArgGroup, Args};
use domain::StreamId;
use projections::administration::Administrator;
use projections::administration::parked::{self, DiscardedRecord, ParkedRecord};
use serde::Serialize;
use sqlx::PgPool;

use super::{GenerationsError, Reason};
use crate::{OutputFormat, columns};

/// The flags of `projections parked`.
#[derive(Debug, Clone, Args)]
pub struct ParkedOptions {
    /// Only of this generation, as `projections list` names it.
    #[arg(long)]
    pub generation: Option<String>,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// The flags of `projections retry`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct RetryOptions {
    /// The stream to try again, such as `task-018f...`.
    #[arg(group = "which", value_parser = stream)]
    pub stream: Option<StreamId>,
    /// Try all parked streams again.
    #[arg(long, group = "which")]
    pub all: bool,
    /// Only in this generation, as `projections list` names it.
    #[arg(long)]
    pub generation: Option<String>,
    /// Why.
    #[command(flatten)]
    pub reason: Reason,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// The flags of `projections discard`.
#[derive(Debug, Clone, Args)]
pub struct DiscardOptions {
    /// The stream whose event is given up, such as `task-018f...`.
    #[arg(value_parser = stream)]
    pub stream: StreamId,
    /// Why. It is kept, and shown with the parked streams.
    #[arg(long)]
    pub reason: String,
    /// Only in this generation, as `projections list` names it.
    #[arg(long)]
    pub generation: Option<String>,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// What `projections parked` tells.
#[derive(Debug, Serialize)]
struct Report {
    parked: Vec<ParkedRecord>,
    discarded: Vec<DiscardedRecord>,
}

/// Prints the parked streams; exit code 1 when there are any.
pub(super) async fn list(options: &ParkedOptions, pool: &PgPool) -> Result<ExitCode, GenerationsError> {
    let generation = options.generation.as_deref();
    let report = Report {
        parked: parked::list(pool, generation).await?,
        discarded: parked::discarded(pool, generation).await?,
    };
    options.output.print(&report, || text(&report))?;
    Ok(if report.parked.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Asks for another attempt.
pub(super) async fn retry(
    options: &RetryOptions,
    administrator: Administrator<'_>,
) -> Result<ExitCode, GenerationsError> {
    let administrator = administrator.because(options.reason.text());
    let asked = administrator
        .retry(options.generation.as_deref(), options.stream.as_ref())
        .await?;
    let answer = serde_json::json!({ "asked": asked });
    options.output.print(&answer, || {
        format!("{asked} will be tried again; coding-agent projections parked shows how it went\n")
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Gives an event up.
pub(super) async fn discard(
    options: &DiscardOptions,
    administrator: Administrator<'_>,
) -> Result<ExitCode, GenerationsError> {
    let administrator = administrator.because(Some(&options.reason));
    let given_up = administrator
        .discard(options.generation.as_deref(), &options.stream)
        .await?;
    options.output.print(&given_up, || {
        let lines = given_up.iter().map(|event| {
            format!(
                "{}: {} at revision {} of {} is given up; the stream goes on behind it and stays marked as degraded\n",
                event.generation, event.event_type, event.revision, event.stream
            )
        });
        lines.collect()
    })?;
    Ok(ExitCode::SUCCESS)
}

fn text(report: &Report) -> String {
    if report.parked.is_empty() && report.discarded.is_empty() {
        return "no stream is parked, and no event was given up\n".to_owned();
    }
    let mut text = columns::render(
        [
            "GENERATION",
            "STREAM",
            "REVISION",
            "EVENT",
            "ATTEMPTS",
            "CRASHES",
            "SINCE",
            "ERROR",
        ],
        report.parked.iter().map(|parked| {
            [
                parked.generation.clone(),
                parked.stream.clone(),
                parked.revision.to_string(),
                parked.event_type.clone(),
                parked.attempts.to_string(),
                parked.crashes.to_string(),
                super::table::moment(parked.parked_at),
                format!("{}: {}", parked.code, parked.error),
            ]
        }),
    );
    let given_up = report.discarded.iter().map(|event| {
        format!(
            "given up in {}: {} at revision {} of {} ({})\n",
            event.generation, event.event_type, event.revision, event.stream, event.reason
        )
    });
    text.extend(given_up);
    text
}

fn stream(text: &str) -> Result<StreamId, String> {
    StreamId::parse(text).map_err(|error| error.to_string())
}
