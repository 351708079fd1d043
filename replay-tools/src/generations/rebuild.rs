//! `projections rebuild`: asks for a generation, and shows how the running projectors fill it.

use std::process::ExitCode;
use std::time::Duration;

use platform::shutdown::Shutdown;
use projections::administration::{self, AdministrationError, Administrator, GenerationRecord};
use projections::read_model;
use tokio::time::Instant;

use super::{GenerationsError, GenerationsSources, RebuildOptions, table};
use crate::progress::{self, Meter};

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A generation that does not move for so long is probably followed by nobody.
const SILENCE: Duration = Duration::from_secs(15);

pub(super) async fn run(
    options: &RebuildOptions,
    sources: &GenerationsSources,
    shutdown: &Shutdown,
) -> Result<ExitCode, GenerationsError> {
    let operator = super::operator();
    let administrator = Administrator::new(&sources.pool, &*sources.store, &operator).because(options.reason.text());
    let generation = match administrator.rebuild(&read_model::all()).await {
        Err(AdministrationError::AlreadyBuilding { generation }) if options.watch => generation,
        asked => asked?,
    };
    if !options.watch {
        let asked = serde_json::json!({ "generation": generation, "state": "building" });
        options.output.print(&asked, || {
            format!(
                "{generation} is being built by the running projectors; see `coding-agent projections rebuild --watch`\n"
            )
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let meter = Meter::default();
    let complete = tokio::select! {
        complete = watch(sources, &generation, &meter) => complete?,
        () = progress::show(options.output, &meter) => return Err(GenerationsError::Interrupted),
        () = shutdown.requested() => {
            eprintln!("the rebuild goes on; `coding-agent projections rebuild --watch` shows it again");
            return Ok(ExitCode::FAILURE);
        }
    };
    options.output.print(&complete, || {
        format!(
            "{generation} is complete: {} records. Verify it with `coding-agent projections verify {generation}`, let it serve with \
             `coding-agent projections promote {generation}`\n",
            complete.records
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn watch(
    sources: &GenerationsSources,
    generation: &str,
    meter: &Meter,
) -> Result<GenerationRecord, GenerationsError> {
    let mut done = None;
    let mut moved = Instant::now();
    loop {
        let listed = administration::list(&sources.pool, &*sources.store).await?;
        let Some(record) = listed.into_iter().find(|record| record.generation == generation) else {
            return Err(GenerationsError::Refused(AdministrationError::Unknown {
                generation: generation.to_owned(),
            }));
        };
        if record.state != "building" {
            return Ok(record);
        }
        let covered = record.records.saturating_sub(record.behind);
        let step = if table::percent(&record) == 100 && !record.indexed {
            "making indexes"
        } else {
            "filling"
        };
        meter.set(step, covered, record.records);
        if done != Some(covered) {
            done = Some(covered);
            moved = Instant::now();
        } else if moved.elapsed() >= SILENCE {
            eprintln!(
                "{generation} does not move: it stands still while the serving generation is behind, and nobody fills it unless a projector of \
                 fingerprint {} runs",
                record.fingerprint
            );
            moved = Instant::now();
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
