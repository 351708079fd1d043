//! A Python with the packages that analysts read exports with, fetched once and shared by all working copies of one user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::kit::{Kit, run};

/// Says which packages, in which versions.
const REQUIREMENTS: &str = include_str!("../../../tests/python/requirements.txt");
/// What Debian calls it.
const PACKAGES: &str = "the packages python3 and python3-venv";

/// An interpreter that has all of them.
#[derive(Debug, Clone)]
pub struct Python {
    kit: Kit,
}

impl Python {
    /// Where it is, or will be: `CODING_AGENT_TEST_PYTHON` names its folder, else it is a cache directory of the user.
    pub fn location() -> Result<Self> {
        let versions: Vec<String> = REQUIREMENTS.lines().map(|line| line.replace("==", "-")).collect();
        let name = format!("python-{}", versions.join("-"));
        Ok(Self {
            kit: Kit::location("CODING_AGENT_TEST_PYTHON", &name)?,
        })
    }

    /// Fetches the packages unless they are there.
    pub fn fetch() -> Result<Self> {
        let python = Self::location()?;
        python
            .kit
            .fetch("DuckDB, pandas and Polars by pip (160 MB, once)", download)?;
        Ok(python)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.kit.directory()
    }

    /// The program.
    pub fn interpreter(&self) -> PathBuf {
        interpreter(self.directory())
    }
}

fn interpreter(directory: &Path) -> PathBuf {
    directory.join("bin").join("python")
}

fn download(directory: &Path) -> Result<()> {
    let requirements = directory.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).context("cannot write the list of packages")?;
    run(Command::new("python3").args(["-m", "venv"]).arg(directory), PACKAGES)
        .with_context(|| format!("cannot make a virtual environment: install {PACKAGES}"))?;
    let mut pip = Command::new(interpreter(directory));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(&requirements);
    run(&mut pip, PACKAGES).context("pip could not fetch the packages")
}
