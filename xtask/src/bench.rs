//! `./dev bench`: benchmarks on throw-away servers that write as durably as real ones.

mod peers;
mod queries;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::interrupt;
use crate::release::Programs;
use crate::test_servers::TestServers;

/// What is measured and what measures it.
pub(crate) const PACKAGES: [&str; 2] = ["bench", "coding-agent"];

/// The command. Built before the servers start, so that the compiler does not run beside a measurement.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let programs = Programs::build(&PACKAGES)?;
    // Others' code is fetched and built only for those who ask for it.
    let with_peers = match Wish::of(arguments) {
        Wish::Without => false,
        Wish::IfPossible => peers::build().unwrap_or_else(|error| {
            eprintln!("{error:#}");
            false
        }),
        Wish::Needed if peers::build()? => true,
        Wish::Needed => return Ok(ExitCode::FAILURE),
    };
    // Without it the rest is worth measuring all the same; its targets then count as missed.
    let postgraphile = queries::fetch(arguments).unwrap_or_else(|error| {
        eprintln!("{error:#}");
        None
    });
    interrupt::check()?;
    let servers = TestServers::start()?;
    let mut command = programs.command("bench")?;
    command.args(arguments);
    servers.describe_to(&mut command)?;
    if with_peers {
        peers::describe_to(&mut command);
    }
    if let Some(postgraphile) = &postgraphile {
        queries::describe_to(&mut command, postgraphile);
    }
    let mut child = command.spawn().context("the benchmarks cannot be started")?;
    let status = interrupt::wait_for(&mut child)?;
    drop(servers);
    interrupt::check()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Are the programs of other event stores wanted?
enum Wish {
    Without,
    /// A replay is worth measuring also where they cannot be built; then it says that they are not there.
    IfPossible,
    Needed,
}

impl Wish {
    fn of(arguments: &[String]) -> Self {
        let mut wish = Self::Without;
        let mut arguments = arguments.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            let cases = match argument {
                "peers" => return Self::Needed,
                "replay" => {
                    wish = Self::IfPossible;
                    continue;
                }
                "--cases" => arguments.next(),
                other => other.strip_prefix("--cases="),
            };
            // Only some cases of a replay, and this one not among them.
            if cases.is_some_and(|cases| !cases.split(',').any(|case| case == "peers")) {
                return Self::Without;
            }
        }
        wish
    }
}
