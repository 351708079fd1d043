//! Queries: the program beside PostGraphile on the same tables of the same database, and beside a handler that only answers, in turns.
//!
//! A log of real histories ([`crate::data`]) is projected by the program itself; everybody then reads the generation that serves. Before a
//! case is measured its answers are held against each other ([`same_answers`]), and while it is measured every answer must be the one that was
//! checked.

mod case;
mod freshness;
mod load;
mod questions;
mod rows;
mod same_answers;
mod served;

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::long_log::LongLogOptions;
use crate::measurement::Measurement;
use crate::servers::Servers;
use served::Served;

const BENCH: &str = "graphql";
const EVENTS: u64 = 100_000;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// A list of 20 tasks, eight fields each.
    List,
    /// Ten tasks, each with its executions and its conversation with the last messages.
    ThreeLevels,
    /// One task by its id, another one each time.
    OneTask,
    /// As many tasks as a page can have, six fields each.
    LargestPage,
    // Last, since it writes: the others need rows that stay.
    /// A query that waits for what a command has just done.
    Freshness,
}

/// Measures case by case. A case that fails does not keep the others from being measured; the first failure is returned at the end.
pub(crate) async fn run(
    servers: &Servers,
    options: &LongLogOptions,
    window: Duration,
    print: impl Fn(Vec<Measurement>) -> Result<()>,
) -> Result<()> {
    let cases = options.cases_of_graphql()?;
    let served = Served::make(servers, options.events(EVENTS)).await?;
    let mut failure = None;
    for case in cases {
        match measure(case, &served, servers, window).await {
            Ok(rows) => print(rows)?,
            Err(error) => {
                eprintln!("bench: {case:?}: {error:#}");
                failure.get_or_insert(error);
            }
        }
    }
    served.remove().await?;
    failure.map_or(Ok(()), Err)
}

async fn measure(case: Case, served: &Served, servers: &Servers, window: Duration) -> Result<Vec<Measurement>> {
    match case {
        Case::List => load::run(&case::LIST_OF_20, served, servers, window).await,
        Case::ThreeLevels => load::run(&case::THREE_LEVELS, served, servers, window).await,
        Case::OneTask => load::run(&case::ONE_TASK, served, servers, window).await,
        Case::LargestPage => load::run(&case::LARGEST_PAGE, served, servers, window).await,
        Case::Freshness => freshness::run(served).await,
    }
}
