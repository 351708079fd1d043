//! The programs that append to other event stores: a cargo workspace and a Node project of their own under `bench/peers/`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::interrupt;
use crate::project;

/// Builds both from their lock files; false when that failed, which was said already.
pub(super) fn build() -> Result<bool> {
    let mut rust = project::cargo();
    rust.args(["build", "--release", "--locked", "--manifest-path"])
        .arg(directory().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target());
    let mut node = Command::new("npm");
    node.args(["ci", "--no-audit", "--no-fund", "--prefix"]).arg(emmett());
    for (mut command, hint) in [
        (rust, "cannot start cargo"),
        (node, "cannot start npm: install Node.js 20 or later"),
    ] {
        let mut child = command.spawn().context(hint)?;
        if !interrupt::wait_for(&mut child)?.success() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tells a command where they are.
pub(super) fn describe_to(command: &mut Command) {
    command
        .env("CODING_AGENT_BENCH_PEERS", target().join("release/bench-peers"))
        .env("CODING_AGENT_BENCH_EMMETT", emmett());
}

fn directory() -> PathBuf {
    project::root().join("bench/peers")
}

fn emmett() -> PathBuf {
    directory().join("emmett")
}

fn target() -> PathBuf {
    project::root().join("target/peers")
}
