//! Where the programs of `PostgreSQL` are. Debian does not put the server's on the PATH.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// The directory that holds `initdb`, `postgres` and `createdb` of one version.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// Looks where `pg_config` points, then in Debian's directories (newest first), then on the PATH.
    pub(super) fn find() -> Result<Self> {
        let mut candidates: Vec<PathBuf> = Vec::new();
        candidates.extend(pg_config("pg_config", "--bindir").map(PathBuf::from));
        candidates.extend(debian_directories());
        candidates.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
        match candidates.into_iter().find(|directory| holds_server(directory)) {
            Some(directory) => Ok(Self { directory }),
            None => bail!(
                "PostgreSQL's server programs (initdb, postgres) were not found by pg_config, in \
                 /usr/lib/postgresql/*/bin or on the PATH: install the package postgresql"
            ),
        }
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    pub(super) fn createdb(&self) -> PathBuf {
        self.directory.join("createdb")
    }

    /// Whether this server can compress its write-ahead log with LZ4.
    pub(super) fn has_lz4(&self) -> bool {
        let program = self.directory.join("pg_config");
        pg_config(&program.to_string_lossy(), "--configure").is_some_and(|options| options.contains("--with-lz4"))
    }
}

fn holds_server(directory: &Path) -> bool {
    ["initdb", "postgres", "createdb"]
        .iter()
        .all(|name| directory.join(name).is_file())
}

fn pg_config(program: &str, option: &str) -> Option<String> {
    let output = Command::new(program).arg(option).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn debian_directories() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/usr/lib/postgresql") else {
        return Vec::new();
    };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, directory)| directory).collect()
}
