//! `projections verify`: a generation against a second fold of the log, and against what serves if other projectors filled that.

use std::process::ExitCode;

use platform::shutdown::Shutdown;
use projections::administration::verify::{AgainstServing, Verification, VerifyReport};
use projections::read_model;

use super::{GenerationsError, GenerationsSources, VerifyOptions};
use crate::diff;
use crate::progress::{self, Meter};

pub(super) async fn run(
    options: &VerifyOptions,
    sources: &GenerationsSources,
    shutdown: &Shutdown,
) -> Result<ExitCode, GenerationsError> {
    let meter = Meter::default();
    let work = verify(options, sources, &meter, shutdown);
    let report = tokio::select! {
        report = work => report?,
        () = progress::show(options.output, &meter) => return Err(GenerationsError::Interrupted),
    };
    options.output.print(&report, || to_text(&report))?;
    Ok(if report.equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

pub(super) async fn verify(
    options: &VerifyOptions,
    sources: &GenerationsSources,
    meter: &Meter,
    shutdown: &Shutdown,
) -> Result<VerifyReport, GenerationsError> {
    let store = &*sources.store;
    let mut verification = Verification::begin(&sources.pool, store, &options.generation, read_model::all).await?;
    let outcome = tokio::select! {
        outcome = verification.run(store, options.limit, |step, done, total| meter.set(step, done, total)) => outcome.map_err(Into::into),
        () = shutdown.requested() => Err(GenerationsError::Interrupted),
    };
    // However it ended, nothing stays behind.
    verification.close().await?;
    outcome
}

fn to_text(report: &VerifyReport) -> String {
    let rows: Vec<String> = report
        .rows
        .iter()
        .map(|(table, rows)| format!("{table} {rows}"))
        .collect();
    let mut text = if report.equal {
        format!(
            "{} is what the log says, row for row: {}\n",
            report.generation,
            rows.join(", ")
        )
    } else {
        format!(
            "{} differs from the log in {} rows, in {} of {} ranges of keys\n",
            report.generation, report.different, report.unequal_ranges, report.ranges
        )
    };
    for difference in &report.differences {
        let side = |row: &Option<String>| row.clone().unwrap_or_else(|| "no row".to_owned());
        text.extend([
            format!("{} {}\n", difference.table, difference.key),
            format!("  generation: {}\n", side(&difference.generation)),
            format!("  log:        {}\n", side(&difference.log)),
            format!("  {}\n", difference.parting),
        ]);
    }
    if report.parked > 0 {
        text.extend([format!(
            "{} streams are parked and were compared as far as they go; `coding-agent projections parked` shows them\n",
            report.parked
        )]);
    }
    if report.discarded > 0 {
        text.extend([format!(
            "{} events were given up and are in neither; `coding-agent projections parked` shows them\n",
            report.discarded
        )]);
    }
    match &report.against_serving {
        None => {}
        Some(AgainstServing::NotComparable { reason }) => {
            text.push_str("what changes for clients cannot be shown now: ");
            text.extend([reason, "\n"]);
        }
        Some(AgainstServing::Shown { name, diff }) => {
            text.push_str("\nwhat changes for clients when it serves:\n");
            text.push_str(&diff::to_text(diff));
            text.extend([format!(
                "accept it with `coding-agent projections promote {} --accept-diff {name}`\n",
                report.generation
            )]);
        }
    }
    text
}
