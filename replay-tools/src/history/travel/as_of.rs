//! `history as-of`: the log up to a cut.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use platform::shutdown::Shutdown;
use projections::travel::{self, Begun, Journey};

use super::report::{Reached, TravelReport};
use super::{Common, Place, TravelSources, TravelToolError, fold};
use crate::progress::{self, Meter};

/// What is said when it ends early.
const GOES_ON: TravelToolError = TravelToolError::Interrupted {
    hint: "what was folded is kept for an hour: the same command with the same cut goes on from there",
};

/// The flags of `history as-of`.
#[derive(Debug, Clone, Args)]
pub struct AsOfOptions {
    /// A position token, `now`, `2h ago`, a day (2026-05-04, from midnight UTC) or a time with its zone (2026-05-04T10:00:00Z).
    #[arg(value_name = "TOKEN|TIME", value_parser = Place::parse)]
    pub place: Place,
    /// Move the nearest as-of that stands before this cut instead of copying it. It shows this cut then, and no longer its own: the way
    /// to step through a long history.
    #[arg(long)]
    pub extend: bool,
    /// What it is made of, and for how long.
    #[command(flatten)]
    pub common: Common,
}

pub(super) async fn run(
    options: &AsOfOptions,
    sources: &TravelSources,
    shutdown: &Shutdown,
) -> Result<ExitCode, TravelToolError> {
    let meter = Meter::default();
    let report = tokio::select! {
        report = travel(options, sources, &meter) => report?,
        () = progress::show(options.common.output, &meter) => return Err(GOES_ON),
        () = shutdown.requested() => return Err(GOES_ON),
    };
    options.common.output.print(&report, || report.to_text())?;
    Ok(ExitCode::SUCCESS)
}

async fn travel(
    options: &AsOfOptions,
    sources: &TravelSources,
    meter: &Meter,
) -> Result<TravelReport, TravelToolError> {
    let started = Instant::now();
    let projectors = travel::models(&options.common.models)?;
    let (target, located) = options.place.cut(sources, meter).await?;
    meter.begin(
        if options.extend {
            "taking the nearest saved generation"
        } else {
            "copying the nearest saved generation"
        },
        0,
    );
    let records = sources.store.behind(&target, &event_store::Cut::start());
    let journey = Journey {
        target,
        lifetime: options.common.ttl,
        branch: None,
        extends: options.extend,
    };
    let (pool, epoch) = (&sources.pool, sources.store.epoch());
    let mut moved = false;
    let (reached, copied, folded) = match travel::begin(pool, epoch, projectors, journey, &sources.projections).await? {
        Begun::Standing(standing) => (*standing, None, None),
        Begun::Building(mut building) => {
            let folded = fold(&mut building, sources, meter).await?;
            moved = building.moved();
            let copied = building.copied().map(ToOwned::to_owned);
            (building.complete().await?, copied, Some(folded))
        }
    };
    Ok(TravelReport::new(
        reached,
        Reached {
            located,
            records,
            copied,
            moved,
            folded,
            seconds: started.elapsed().as_secs_f64(),
        },
        &sources.url,
    ))
}
