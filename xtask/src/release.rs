//! Builds the platform's program in release mode.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::interrupt;
use crate::project;

/// The program: the given one, or a fresh build. Cargo shows its progress and says where it put the result.
pub(super) fn program(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        return path
            .canonicalize()
            .with_context(|| format!("there is no program {}", path.display()));
    }
    let mut child = project::cargo()
        .args([
            "build",
            "--release",
            "-p",
            "coding-agent",
            "--message-format=json-render-diagnostics",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut program = None;
    for line in BufReader::new(output).lines() {
        let line = line.context("cannot read cargo's output")?;
        program = executable(&line).or(program);
    }
    let status = interrupt::wait_for(&mut child)?;
    interrupt::check()?;
    if !status.success() {
        bail!("the build failed");
    }
    program.context("cargo did not say where the program is")
}

/// The path in cargo's message about the finished program; other messages have none.
fn executable(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let ours = message.get("target")?.get("name")? == "coding-agent";
    let path = message.get("executable")?.as_str()?;
    ours.then(|| PathBuf::from(path))
}
