//! `projections verify`: a generation against a second fold of the log, at exactly the cut that it covers in one snapshot.

use std::collections::BTreeMap;
use std::process::ExitCode;

use event_store::Cut;
use platform::shutdown::Shutdown;
use projections::administration::{self, AdministrationError, HeldGeneration};
use projections::comparison::TEXT_SETTINGS;
use projections::refold::Refold;
use projections::{ProjectionError, ProjectorOptions, fingerprint, read_model};
use serde::Serialize;

use super::{GenerationsError, GenerationsSources, VerifyOptions};
use crate::progress::{self, Meter};

/// What was compared, and what is not equal.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// The generation.
    pub generation: String,
    /// Is every row as the log says?
    pub equal: bool,
    /// The cut at which both were held.
    pub cut: Cut,
    /// Rows of the generation, by table.
    pub rows: BTreeMap<String, u64>,
    /// Rows that differ.
    pub different: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

/// A row that is not as the log says.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// Its key, as a JSON array.
    pub key: String,
    /// The row of the generation; none when it has none.
    pub generation: Option<String>,
    /// What the log says; none when it says nothing of it.
    pub log: Option<String>,
}

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

async fn verify(
    options: &VerifyOptions,
    sources: &GenerationsSources,
    meter: &Meter,
    shutdown: &Shutdown,
) -> Result<VerifyReport, GenerationsError> {
    let pool = &sources.pool;
    let mut snapshot = pool
        .begin_with("begin isolation level repeatable read read only")
        .await?;
    sqlx::raw_sql(TEXT_SETTINGS).execute(&mut *snapshot).await?;
    let held = administration::hold(&mut snapshot, &options.generation).await?;
    let ours = fingerprint::fingerprint(&read_model::all());
    if held.fingerprint != ours {
        return Err(GenerationsError::OtherProjectors {
            generation: options.generation.clone(),
            theirs: held.fingerprint,
            ours,
        });
    }
    if held.epoch != sources.store.epoch() {
        return Err(GenerationsError::Refused(AdministrationError::OtherHistory {
            generation: options.generation.clone(),
        }));
    }
    let mut second = Refold::begin(
        pool.clone(),
        read_model::all(),
        held.epoch,
        held.cut.clone(),
        ProjectorOptions::default(),
    )
    .await?;
    let outcome = tokio::select! {
        outcome = compare(options, sources, meter, &mut snapshot, &held, &mut second) => outcome,
        () = shutdown.requested() => Err(GenerationsError::Interrupted),
    };
    // However it ended, nothing stays behind.
    second.drop_generation().await?;
    outcome
}

async fn compare(
    options: &VerifyOptions,
    sources: &GenerationsSources,
    meter: &Meter,
    snapshot: &mut sqlx::PgConnection,
    held: &HeldGeneration,
    second: &mut Refold,
) -> Result<VerifyReport, GenerationsError> {
    let cut = &held.cut;
    let total = sources.store.behind(cut, &Cut::start());
    let mut follow = sources
        .store
        .follow(Cut::start())
        .await
        .map_err(ProjectionError::from)?;
    let mut read = Cut::start();
    while !read.covers(cut) {
        let batch = follow.next().await.map_err(ProjectionError::from)?;
        read.merge(&batch.cut);
        second.take(batch).await?;
        meter.set("folding the log again", total - sources.store.behind(cut, &read), total);
    }
    second.finish().await?;
    meter.set("comparing", total, total);
    let (mut different, mut differences) = (0, Vec::new());
    let rows = second.compare(snapshot, &held.schema, |table, difference| {
        different += 1;
        if differences.len() < options.limit {
            differences.push(Difference {
                table: table.name,
                key: difference.key,
                generation: difference.left,
                log: difference.right,
            });
        }
    });
    let rows = rows.await?;
    Ok(VerifyReport {
        generation: options.generation.clone(),
        equal: different == 0,
        cut: cut.clone(),
        rows,
        different,
        differences,
    })
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
            "{} differs from the log in {} rows\n",
            report.generation, report.different
        )
    };
    for difference in &report.differences {
        let side = |row: &Option<String>| row.clone().unwrap_or_else(|| "no row".to_owned());
        text.extend([
            format!("{} {}\n", difference.table, difference.key),
            format!("  generation: {}\n", side(&difference.generation)),
            format!("  log:        {}\n", side(&difference.log)),
        ]);
    }
    text
}
