//! `projections rebuild MODEL`: fills one read model alone, in this process.

use std::process::ExitCode;

use event_store::Cut;
use platform::shutdown::Shutdown;
use projections::ProjectorOptions;
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
    let mut rebuild = administrator.rebuild_model(model, ProjectorOptions::default()).await?;
    let generation = rebuild.generation().to_owned();
    let meter = Meter::default();
    let work = rebuild.run(store, |reached, target, indexing| {
        let total = store.behind(target, &Cut::start());
        let step = if indexing { "making indexes" } else { "filling" };
        meter.set(step, total.saturating_sub(store.behind(target, reached)), total);
    });
    tokio::select! {
        filled = work => filled?,
        () = progress::show(options.output, &meter) => return Err(GenerationsError::Interrupted),
        () = shutdown.requested() => {
            eprintln!("{generation} is not complete; `coding-agent projections rebuild {model}` goes on with it");
            return Ok(ExitCode::FAILURE);
        }
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
