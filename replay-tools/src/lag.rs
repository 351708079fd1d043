//! `projections explain-lag`: why a generation is behind the log, and what to do about it.
//!
//! [`observe`] looks at log, checkpoints, processes and sessions of the database twice, some seconds apart; [`diagnose`] is a pure
//! function from what was seen to causes, the most likely one first.

mod diagnosis;
mod facts;
mod observe;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use platform::shutdown::Shutdown;
use serde::Serialize;

use crate::OutputFormat;
use crate::generations::{GenerationsError, GenerationsSources};

pub use diagnosis::{Cause, Diagnosis, diagnose};
pub use facts::{LagFacts, LockWait, ParkedFacts, ProcessFacts, ServingFacts, Timings};
pub use observe::observe;

/// The flags of `projections explain-lag`.
#[derive(Debug, Clone, Args)]
pub struct ExplainLagOptions {
    /// The generation, as `projections list` names it; without it the one that serves.
    pub generation: Option<String>,
    /// For how long to look: rates are measured between two looks.
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub seconds: u64,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// What is known about the lag of one generation.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LagReport {
    /// Causes, the most likely one first; empty when nothing is behind or missing.
    pub causes: Vec<Diagnosis>,
    /// What they were read from.
    #[serde(flatten)]
    pub facts: LagFacts,
}

/// Looks twice, `between` apart, and explains. The generation that serves is looked at when none is named.
pub async fn explain(
    generation: Option<&str>,
    sources: &GenerationsSources,
    between: Duration,
) -> Result<LagReport, GenerationsError> {
    let facts = observe(generation, sources, between).await?;
    Ok(LagReport {
        causes: diagnose(&facts),
        facts,
    })
}

/// Looks, explains and prints. Exit code 0: nothing is behind and nothing is missing. 1: something is, and its causes are named.
pub(crate) async fn run(
    options: &ExplainLagOptions,
    sources: &GenerationsSources,
    shutdown: &Shutdown,
) -> Result<ExitCode, GenerationsError> {
    let looking = explain(
        options.generation.as_deref(),
        sources,
        Duration::from_secs(options.seconds),
    );
    let report = tokio::select! {
        report = looking => report?,
        () = shutdown.requested() => return Err(GenerationsError::Interrupted),
    };
    options.output.print(&report, || to_text(&report))?;
    Ok(if report.causes.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn to_text(report: &LagReport) -> String {
    let facts = &report.facts;
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _written = writeln!(
        text,
        "{} ({}): {} of {} records behind, for {:.1} s; {:.0} records/s came, {:.0} records/s were projected",
        facts.generation,
        facts.state,
        facts.behind,
        facts.records,
        facts.behind_seconds,
        facts.arrived_per_second,
        facts.projected_per_second
    );
    for process in &facts.processes {
        let _written = writeln!(text, "{}", describe(process));
    }
    if report.causes.is_empty() {
        text.push_str("nothing is behind\n");
    }
    for cause in &report.causes {
        text.extend([cause.cause.as_str(), ": ", &cause.sentence, "\n"]);
        text.extend(["  to do: ", &cause.remedy, "\n"]);
    }
    text
}

fn describe(process: &ProcessFacts) -> String {
    let times: Vec<String> = process
        .timings
        .shares()
        .map(|(stage, share)| format!("{stage} {:.0} %", share * 100.0))
        .collect();
    let times = if times.is_empty() {
        "no work in its last look".to_owned()
    } else {
        times.join(", ")
    };
    format!(
        "process {} ({}), looked in {:.1} s ago, holds {} partitions: {times}",
        process.id, process.name, process.seen_seconds_ago, process.partitions
    )
}
