//! A Python with the packages that analysts read exports with, fetched once and shared by all working copies of one user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Says which packages, in which versions.
const REQUIREMENTS: &str = include_str!("../../../tests/python/requirements.txt");

/// An interpreter that has all of them.
#[derive(Debug, Clone)]
pub struct Python {
    directory: PathBuf,
}

impl Python {
    /// Where it is, or will be: `CODING_AGENT_TEST_PYTHON` names its folder, else it is a cache directory of the user.
    pub fn location() -> Result<Self> {
        if let Some(directory) = std::env::var_os("CODING_AGENT_TEST_PYTHON") {
            return Ok(Self {
                directory: directory.into(),
            });
        }
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
            .context("HOME is not set, so there is no place for Python packages")?;
        // The versions are part of the name, so that other ones never meet these.
        let versions: Vec<String> = REQUIREMENTS.lines().map(|line| line.replace("==", "-")).collect();
        Ok(Self {
            directory: cache
                .join("coding-agent")
                .join(format!("python-{}", versions.join("-"))),
        })
    }

    /// Fetches the packages unless they are there.
    pub fn fetch() -> Result<Self> {
        let python = Self::location()?;
        if !python.directory.is_dir() {
            eprintln!(
                "fetching DuckDB, pandas and Polars by pip (160 MB, once) into {}",
                python.directory.display()
            );
            python.download()?;
        }
        Ok(python)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The program.
    pub fn interpreter(&self) -> PathBuf {
        self.directory.join("bin").join("python")
    }

    /// Fetches into a directory beside and renames it: the final name never holds half of the packages.
    fn download(&self) -> Result<()> {
        let name = format!("python.part-{}", std::process::id());
        let part = self.directory.with_file_name(name);
        fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
        let requirements = part.join("requirements.txt");
        fs::write(&requirements, REQUIREMENTS).context("cannot write the list of packages")?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&part))
            .context("cannot make a virtual environment: install the packages python3 and python3-venv")?;
        let mut pip = Command::new(part.join("bin").join("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&requirements);
        run(&mut pip).context("pip could not fetch the packages")?;
        let renamed = fs::rename(&part, &self.directory);
        // Somebody else may have been faster; theirs are the same.
        if !self.directory.is_dir() {
            renamed.with_context(|| format!("cannot make {}", self.directory.display()))?;
        } else if part.exists() {
            fs::remove_dir_all(&part).with_context(|| format!("cannot remove {}", part.display()))?;
        }
        Ok(())
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
