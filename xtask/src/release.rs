//! Programs in release mode.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::interrupt;
use crate::project;

/// Programs that were built, by name.
pub(crate) struct Programs(HashMap<String, PathBuf>);

impl Programs {
    /// Builds all programs of these packages. Cargo shows its progress and says where it put the results.
    ///
    /// The programs are run from there and not by `cargo run -p`: that would build them once more, since cargo gives dependencies the features that
    /// the named packages want together.
    pub(crate) fn build(packages: &[&str]) -> Result<Self> {
        let mut command = project::cargo();
        command.args(["build", "--release", "--message-format=json-render-diagnostics"]);
        for package in packages {
            command.args(["-p", package]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
        let output = child.stdout.take().context("cargo has no output")?;
        let mut programs = HashMap::new();
        for line in BufReader::new(output).lines() {
            programs.extend(executable(&line.context("cannot read cargo's output")?));
        }
        let status = interrupt::wait_for(&mut child)?;
        interrupt::check()?;
        if !status.success() {
            bail!("the build failed");
        }
        Ok(Self(programs))
    }

    /// Where a program is.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.get(name).cloned();
        path.with_context(|| format!("cargo did not say where {name} is"))
    }

    /// A program, in the root of the repository.
    pub(crate) fn command(&self, name: &str) -> Result<Command> {
        let mut command = Command::new(self.path(name)?);
        command.current_dir(project::root());
        Ok(command)
    }
}

/// Name and path in cargo's message about a finished program; other messages have none.
fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let name = message.get("target")?.get("name")?.as_str()?;
    let path = message.get("executable")?.as_str()?;
    Some((name.to_owned(), PathBuf::from(path)))
}
