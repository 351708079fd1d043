//! `./dev test`: all checks and all tests, on throw-away servers.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::interrupt;
use crate::lint;
use crate::project;
use crate::steps::Steps;
use crate::test_servers::TestServers;

/// The command.
pub(crate) fn run(only: Option<&str>) -> Result<ExitCode> {
    let mut steps = Steps::default();
    lint::add_steps(&mut steps, only)?;
    if only.is_none_or(|only| matches!(only, "system-tests" | "faults")) {
        // The tests of the whole system start the real binary, which `cargo test` does not build.
        let mut build = project::cargo();
        build.args(["build", "-p", "coding-agent"]);
        steps.command("build coding-agent", &mut build)?;
    }
    let mut servers = None;
    steps.step("start PostgreSQL and Kafka", || {
        servers = Some(TestServers::start()?);
        Ok(true)
    })?;
    let Some(servers) = servers else {
        bail!("the servers did not start")
    };
    let mut tests = project::cargo();
    tests.args(["test", "--no-fail-fast"]);
    match only {
        Some(package) => tests.args(["-p", package]),
        None => tests.arg("--workspace"),
    };
    servers.describe_to(&mut tests)?;
    let ran = steps.command("tests", &mut tests);
    drop(servers);
    ran?;
    interrupt::check()?;
    Ok(steps.finish())
}
