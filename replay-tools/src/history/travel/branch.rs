//! `history branch`: the log up to a cut, without some events or with others.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use platform::shutdown::Shutdown;
use projections::travel::{self, Begun, Branch, Condition, Journey, Script, TravelError, Variant};

use super::report::{Reached, TravelReport};
use super::{Common, Place, TravelSources, TravelToolError, fold};
use crate::progress::{self, Meter};

/// The flags of `history branch`.
#[derive(Debug, Clone, Args)]
pub struct BranchOptions {
    /// What to call it: lower-case letters, digits and hyphens.
    pub name: String,
    /// Up to where: a position token, `now`, `2h ago`, a day or a time with its zone.
    #[arg(long, value_name = "TOKEN|TIME", default_value = "now", value_parser = Place::parse)]
    pub at: Place,
    /// Leave out events: `type=task.deleted`, `type=task.*`, `stream=`, `category=`, `actor=`, `id=`. May be repeated.
    #[arg(long, value_name = "FIELD=VALUE")]
    pub drop: Vec<String>,
    /// Rewrite the others: a script in Rhai with a function `rewrite(event)` that returns the event, an array of events, or nothing.
    #[arg(long, value_name = "SCRIPT")]
    pub map: Option<PathBuf>,
    /// What it is made of, and for how long.
    #[command(flatten)]
    pub common: Common,
}

pub(super) async fn run(
    options: &BranchOptions,
    sources: &TravelSources,
    shutdown: &Shutdown,
) -> Result<ExitCode, TravelToolError> {
    let meter = Meter::default();
    let report = tokio::select! {
        report = travel(options, sources, &meter, shutdown) => report?,
        () = progress::show(options.common.output, &meter) => return Err(interrupted()),
    };
    options.common.output.print(&report, || report.to_text())?;
    Ok(ExitCode::SUCCESS)
}

fn interrupted() -> TravelToolError {
    TravelToolError::Interrupted {
        hint: "nothing was left behind, run it again",
    }
}

async fn travel(
    options: &BranchOptions,
    sources: &TravelSources,
    meter: &Meter,
    shutdown: &Shutdown,
) -> Result<TravelReport, TravelToolError> {
    let started = Instant::now();
    let projectors = travel::models(&options.common.models)?;
    let variant = variant(options).await?;
    let (target, located) = options.at.cut(sources, meter).await?;
    let records = sources.store.behind(&target, &event_store::Cut::start());
    let journey = Journey {
        target,
        lifetime: options.common.ttl,
        branch: Some(Branch {
            name: options.name.clone(),
            variant,
        }),
        extends: false,
    };
    let (pool, epoch) = (&sources.pool, sources.store.epoch());
    let mut building = match travel::begin(pool, epoch, projectors, journey, &sources.projections).await? {
        Begun::Building(building) => building,
        // A branch is never taken for another one.
        Begun::Standing(standing) => return Err(TravelError::NameTaken { name: standing.name }.into()),
    };
    let folded = tokio::select! {
        folded = fold(&mut building, sources, meter) => folded.map_err(TravelToolError::from),
        () = shutdown.requested() => Err(interrupted()),
    };
    let folded = match folded {
        Ok(folded) => folded,
        Err(error) => {
            building.abandon().await?;
            return Err(error);
        }
    };
    let reached = building.complete().await?;
    Ok(TravelReport::new(
        reached,
        Reached {
            located,
            records,
            copied: None,
            moved: false,
            folded: Some(folded),
            seconds: started.elapsed().as_secs_f64(),
        },
        &sources.url,
    ))
}

async fn variant(options: &BranchOptions) -> Result<Variant, TravelToolError> {
    let drop = options.drop.iter().map(|text| text.parse::<Condition>());
    let drop = drop.collect::<Result<Vec<_>, _>>()?;
    let map = match &options.map {
        None => None,
        Some(path) => {
            let text = tokio::fs::read_to_string(path).await;
            let text = text.map_err(|source| TravelToolError::ScriptUnreadable {
                path: path.clone(),
                source,
            })?;
            Some(Script::parse(&text)?)
        }
    };
    Ok(Variant { drop, map })
}
