//! Packages for Node.js, fetched once and shared by all working copies of one user.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::kit::{Kit, run};

/// What Debian calls Node.js and its package manager.
pub const PACKAGES: &str = "Node.js 18 or later and npm (the packages nodejs and npm)";

/// What is fetched together.
#[derive(Debug)]
pub struct PackageList {
    /// What it is and how large, for who waits for it.
    what: &'static str,
    /// The first part of the name of its directory.
    name: &'static str,
    /// Names its directory in the environment, when it is not in the cache of the user.
    variable: &'static str,
    /// `package.json`: which packages.
    package: &'static str,
    /// `package-lock.json`: in which versions, and what they need themselves.
    lock: &'static str,
}

/// The official packages of GraphQL, which check the service in tests.
pub const GRAPHQL_CHECKS: PackageList = PackageList {
    what: "the official GraphQL packages by npm (7 MB, once)",
    name: "node",
    variable: "CODING_AGENT_TEST_NODE",
    package: include_str!("../../../tests/node/package.json"),
    lock: include_str!("../../../tests/node/package-lock.json"),
};

/// The peer of `./dev bench graphql`, with the Node.js that it runs on.
pub const POSTGRAPHILE: PackageList = PackageList {
    what: "PostGraphile and the Node.js that it needs by npm (490 MB, once)",
    name: "postgraphile",
    variable: "CODING_AGENT_BENCH_POSTGRAPHILE",
    package: include_str!("../../../bench/peers/postgraphile/package.json"),
    lock: include_str!("../../../bench/peers/postgraphile/package-lock.json"),
};

impl PackageList {
    /// Names its directory in the environment.
    pub fn variable(&self) -> &'static str {
        self.variable
    }
}

/// A directory that has all packages of a list.
#[derive(Debug, Clone)]
pub struct Node {
    kit: Kit,
}

impl Node {
    /// Where it is, or will be.
    pub fn location(list: &PackageList) -> Result<Self> {
        // The hash may be another one after an update of Rust: the packages are then fetched again.
        let mut hasher = DefaultHasher::new();
        list.lock.hash(&mut hasher);
        let name = format!("{}-{:016x}", list.name, hasher.finish());
        Ok(Self {
            kit: Kit::location(list.variable, &name)?,
        })
    }

    /// Fetches the packages unless they are there.
    pub fn fetch(list: &PackageList) -> Result<Self> {
        let node = Self::location(list)?;
        node.kit.fetch(list.what, |directory| download(list, directory))?;
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

fn download(list: &PackageList, directory: &Path) -> Result<()> {
    for (name, content) in [("package.json", list.package), ("package-lock.json", list.lock)] {
        fs::write(directory.join(name), content).with_context(|| format!("cannot write {name}"))?;
    }
    let mut npm = Command::new("npm");
    npm.current_dir(directory)
        // None of them is built, so nothing of theirs has to run here.
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    run(&mut npm, PACKAGES).context("npm could not fetch the packages")
}
