//! The paths of a replay, each beside its limit: read models rebuilt one by one and all together, how far they are behind while events
//! come, letting another generation serve, and what an analyst does with a long history.
//!
//! The log is made of real histories ([`crate::data`]) in a database of its own. A second one with a tenth of the events tells what the
//! length of a log costs. Both are deleted at the end.

mod all_models;
mod analyst;
mod fold;
mod live_lag;
mod log;
mod peers;
mod single_models;
mod switching;

use anyhow::Result;
use clap::ValueEnum;

use crate::long_log::LongLogOptions;
use crate::measurement::Measurement;
use crate::servers::Servers;
use log::Logs;

const BENCH: &str = "replay";
/// Longer logs tell nothing more about one read model, and its peers take their time.
const EVENTS_OF_ONE_MODEL: u64 = 1_000_000;
const EVENTS: u64 = 1_000_000;

/// A path of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// A read model that only grows, against COPY.
    InsertOnly,
    /// A read model with one row a stream.
    OneRow,
    /// The tasks of other event stores beside ours: the same events, one row a task.
    Peers,
    /// Counters across streams.
    Counters,
    /// All read models by the program, on a tenth of the log and on all of it, with its memory.
    AllModels,
    /// Promote and roll back while queries run.
    Switching,
    /// From the answer to a command until its row is there, at 2,000 events a second.
    LiveLag,
    /// The history as of another place, exported, and searched, with the program's own commands.
    Analyst,
}

/// Measures case by case, in an order in which each finds what it needs. A case that fails does not keep the others from being measured;
/// the first failure is returned at the end.
pub(crate) async fn run(
    servers: &Servers,
    options: &LongLogOptions,
    print: impl Fn(Vec<Measurement>) -> Result<()>,
) -> Result<()> {
    let mut logs = Logs::new(servers, options.events(EVENTS));
    let mut failure = None;
    for case in options.cases_of_replay()? {
        match measure(case, &mut logs, servers).await {
            Ok(rows) => print(rows)?,
            Err(error) => {
                eprintln!("bench: {case:?}: {error:#}");
                failure.get_or_insert(error);
            }
        }
    }
    logs.remove().await?;
    failure.map_or(Ok(()), Err)
}

async fn measure(case: Case, logs: &mut Logs<'_>, servers: &Servers) -> Result<Vec<Measurement>> {
    match case {
        Case::InsertOnly => single_models::insert_only(logs.of_one_model().await?, servers).await,
        Case::OneRow => single_models::one_row(logs.of_one_model().await?, servers).await,
        Case::Peers => peers::run(logs.of_one_model().await?, servers).await,
        Case::Counters => single_models::counters(logs.of_one_model().await?, servers).await,
        Case::AllModels => {
            let short = all_models::build(logs.short().await?, servers).await?;
            let long = all_models::build(logs.long().await?, servers).await?;
            Ok(all_models::rows(&short, &long))
        }
        Case::Switching => switching::run(logs.short().await?).await,
        Case::LiveLag => live_lag::run(logs.long().await?).await,
        Case::Analyst => analyst::run(logs.long().await?).await,
    }
}
