//! Kafka's jars, fetched once by Maven and shared by all working copies of one user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Says which jars, in which version.
const POM: &str = include_str!("../../../kafka/pom.xml");
/// Part of the cache's name, so that another version never meets the jars of this one.
const VERSION: &str = "4.3.1";

/// A directory that holds all jars of the broker.
#[derive(Debug, Clone)]
pub struct Jars {
    directory: PathBuf,
}

impl Jars {
    /// Where the jars are, or will be: `CODING_AGENT_TEST_KAFKA_JARS`, else a cache directory of the user.
    pub fn location() -> Result<Self> {
        if let Some(directory) = std::env::var_os("CODING_AGENT_TEST_KAFKA_JARS") {
            return Ok(Self {
                directory: directory.into(),
            });
        }
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
            .context("HOME is not set, so there is no place for Kafka's jars")?;
        Ok(Self {
            directory: cache.join("coding-agent").join(format!("kafka-{VERSION}")),
        })
    }

    /// Fetches the jars unless they are there.
    pub fn fetch() -> Result<Self> {
        let jars = Self::location()?;
        if !jars.directory.is_dir() {
            eprintln!(
                "fetching Apache Kafka {VERSION} by Maven (54 MB, once) into {}",
                jars.directory.display()
            );
            jars.download()?;
        }
        Ok(jars)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// For `java -cp`.
    pub(super) fn class_path(&self) -> PathBuf {
        self.directory.join("*")
    }

    /// Fetches into a directory beside and renames it: the final name never holds half of the jars.
    fn download(&self) -> Result<()> {
        let part = self
            .directory
            .with_file_name(format!("kafka-{VERSION}.part-{}", std::process::id()));
        fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
        let pom = part.join("pom.xml");
        fs::write(&pom, POM).context("cannot write the pom")?;
        let output = Command::new("mvn")
            .args(["-q", "-B", "dependency:copy-dependencies", "-f"])
            .arg(&pom)
            .arg(format!("-DoutputDirectory={}", part.join("jars").display()))
            .output()
            .context("cannot start mvn: install the package maven")?;
        if !output.status.success() {
            bail!(
                "mvn could not fetch Kafka's jars: {}",
                String::from_utf8_lossy(&output.stdout).trim()
            );
        }
        let renamed = fs::rename(part.join("jars"), &self.directory);
        fs::remove_dir_all(&part).with_context(|| format!("cannot remove {}", part.display()))?;
        // Somebody else may have been faster; theirs are the same.
        if !self.directory.is_dir() {
            renamed.with_context(|| format!("cannot make {}", self.directory.display()))?;
        }
        Ok(())
    }
}
