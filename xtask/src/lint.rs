//! `./dev lint`: format, clippy, the rules of this repository, and cargo-deny where it is installed.

use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;

use crate::project;
use crate::steps::Steps;
use crate::tidy;

/// The command.
pub(crate) fn run() -> Result<ExitCode> {
    let mut steps = Steps::default();
    add_steps(&mut steps, None)?;
    Ok(steps.finish())
}

/// The steps, for the whole workspace or one crate. The rules of the repository take no time and are always checked whole.
pub(crate) fn add_steps(steps: &mut Steps, only: Option<&str>) -> Result<()> {
    let mut format = project::cargo();
    format.arg("fmt");
    let mut clippy = project::cargo();
    clippy.args(["clippy", "--all-targets"]);
    if let Some(package) = only {
        format.args(["-p", package]);
        clippy.args(["-p", package]);
    } else {
        format.arg("--all");
        clippy.arg("--workspace");
    }
    steps.command("format", format.arg("--check"))?;
    steps.command("clippy", clippy.args(["--", "-D", "warnings"]))?;
    steps.step("rules of this repository", || {
        let problems = tidy::check(&project::root())?;
        for problem in &problems {
            eprintln!("{problem}");
        }
        Ok(problems.is_empty())
    })?;
    if only.is_none() {
        deny(steps)?;
    }
    Ok(())
}

fn deny(steps: &mut Steps) -> Result<()> {
    let installed = Command::new("cargo-deny")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        eprintln!("==> cargo deny: skipped, cargo-deny is not installed");
        return Ok(());
    }
    steps.command("cargo deny", project::cargo().args(["deny", "check"]))?;
    Ok(())
}
