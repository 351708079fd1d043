//! `projections rebuild MODEL`: fills one read model alone, in this process.

use std::process::ExitCode;

use event_store::Cut;
use platform::shutdown::Shutdown;
use projections::administration::Administrator;

use super::{GenerationsError, GenerationsSources, RebuildOptions};
use crate::progress::{self, Meter};

pub(super) async fn run(
    options: &RebuildOptions,
    sources: &GenerationsSources,
    shutdown: &Shutdown,
) -> Result<ExitCode, GenerationsError> {
    let store = &*sources.store;
    let model = &options.model;
    let operator = super::operator();
    let administrator = Administrator::new(&sources.pool, store, &operator).because(options.reason.text());
    let beginning = administrator.rebuild_model(model, sources.projections.clone());
    let mut rebuild = tokio::select! {
        begun = beginning => begun?,
        () = shutdown.requested() => return Ok(interrupted(model)),
    };
    let generation = rebuild.generation().to_owned();
    let meter = Meter::default();
    let work = rebuild.run(store, |progress| {
        let total = store.behind(progress.target, &Cut::start());
        let step = if progress.makes_indexes {
            "making indexes"
        } else {
            progress::pace("filling", "filling, slowed for others", progress.share)
        };
        let left = store.behind(progress.target, progress.reached);
        meter.set(step, total.saturating_sub(left), total);
    });
    tokio::select! {
        filled = work => filled?,
        () = progress::show(options.output, &meter) => return Err(GenerationsError::Interrupted),
        () = shutdown.requested() => return Ok(interrupted(model)),
    }
    rebuild.close().await?;
    let complete = serde_json::json!({ "generation": generation, "model": model, "state": "following" });
    options.output.print(&complete, || {
        format!(
            "{generation} holds {model} alone and is complete. Verify it with `coding-agent projections verify {generation}`, let it join what serves with \
             `coding-agent projections promote {generation}`\n"
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

fn interrupted(model: &str) -> ExitCode {
    eprintln!("{model} is not filled; `coding-agent projections rebuild {model}` goes on where this has come to");
    ExitCode::FAILURE
}
