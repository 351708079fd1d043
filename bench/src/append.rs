//! Appending, path by path: each beside what the machine can do for the same in the same run.
//!
//! The store is opened in this process as the program opens it, except in `http`, where the program itself runs. What a
//! figure costs in processor time stands below it, so that a miss says where the time goes. On machines where clients,
//! the program and the servers share the processors, the sum of these is what bounds the figure.

mod alone;
mod catching_up;
mod content;
mod hot_stream;
mod http;
mod node;
mod open_loop;
mod pgbench;
mod postgresql;
mod producer_performance;
mod store_level;
mod streams;
mod two_nodes;

use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::measurement::Measurement;
use crate::servers::Servers;

pub(crate) use content::EVENT_BYTES;
pub(crate) use node::{LogNode, OpenedLog, close, connect};
pub(crate) use streams::{Appender, Streams};

const BENCH: &str = "append";
/// Each measurement of a case, and of its limit, is repeated so often, in turns; the median counts.
const ROUNDS: usize = 3;

/// What can be told to `append`.
#[derive(Debug, Args)]
pub(crate) struct AppendOptions {
    /// Only these cases of `append`, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CASE,..")]
    only: Vec<Case>,
    /// Seconds of each measurement of `append`, `graphql` and `peers`; 1 is for a quick look.
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
}

/// A path of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// 1,024 appends in flight over 100,000 streams on Kafka, and half that load at an even pace.
    StoreLevel,
    /// One append alone.
    Alone,
    /// 64 clients whose commands all go to one stream.
    HotStream,
    /// 256 connections to the running program.
    Http,
    /// The journaler on a log that is full and a journal that is empty.
    CatchingUp,
    /// 64 and 1,024 appends in flight on PostgreSQL.
    Postgresql,
    /// The same load on two nodes of one log.
    TwoNodes,
}

impl AppendOptions {
    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// The cases asked for, in their own order; all of them when none was named.
    pub(crate) fn cases(&self) -> impl Iterator<Item = Case> {
        let wanted = |case: &Case| self.only.is_empty() || self.only.contains(case);
        Case::value_variants().iter().copied().filter(wanted)
    }
}

pub(crate) async fn measure(case: Case, servers: &Servers, window: Duration) -> Result<Vec<Measurement>> {
    match case {
        Case::StoreLevel => store_level::run(servers, window).await,
        Case::Alone => alone::run(servers).await,
        Case::HotStream => hot_stream::run(servers, window).await,
        Case::Http => http::run(servers, window).await,
        Case::CatchingUp => catching_up::run(servers, window).await,
        Case::Postgresql => postgresql::run(servers, window).await,
        Case::TwoNodes => two_nodes::run(servers, window).await,
    }
}
