//! The official packages of GraphQL for Node.js, fetched once and shared by all working copies of one user.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::kit::{Kit, run};

/// Says which packages.
const PACKAGE: &str = include_str!("../../../tests/node/package.json");
/// Says in which versions, and what they need themselves.
const LOCK: &str = include_str!("../../../tests/node/package-lock.json");

/// What Debian calls Node.js and its package manager.
pub const PACKAGES: &str = "Node.js 18 or later and npm (the packages nodejs and npm)";

/// A directory that has all of them.
#[derive(Debug, Clone)]
pub struct Node {
    kit: Kit,
}

impl Node {
    /// Where it is, or will be: `CODING_AGENT_TEST_NODE` names its folder, else it is a cache directory of the user.
    pub fn location() -> Result<Self> {
        // The hash may be another one after an update of Rust: the packages are then fetched again.
        let mut hasher = DefaultHasher::new();
        LOCK.hash(&mut hasher);
        let name = format!("node-{:016x}", hasher.finish());
        Ok(Self {
            kit: Kit::location("CODING_AGENT_TEST_NODE", &name)?,
        })
    }

    /// Fetches the packages unless they are there.
    pub fn fetch() -> Result<Self> {
        let node = Self::location()?;
        node.kit
            .fetch("the official GraphQL packages by npm (7 MB, once)", download)?;
        Ok(node)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.kit.directory()
    }

    /// The packages, for `NODE_PATH`.
    pub fn packages(&self) -> PathBuf {
        self.directory().join("node_modules")
    }
}

fn download(directory: &Path) -> Result<()> {
    for (name, content) in [("package.json", PACKAGE), ("package-lock.json", LOCK)] {
        fs::write(directory.join(name), content).with_context(|| format!("cannot write {name}"))?;
    }
    let mut npm = Command::new("npm");
    npm.current_dir(directory)
        // None of them is built, so nothing of theirs has to run here.
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    run(&mut npm, PACKAGES).context("npm could not fetch the packages")
}
