//! Who the server runs as. `PostgreSQL` refuses to run as root, so there the package's own account is used.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

const NAME: &str = "postgres";

/// A system account other than our own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// The account for the server; nothing when we are not root and it runs as ourselves.
    pub(super) fn for_servers() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        Ok(Some(Self {
            user: id("-u")?,
            group: id("-g")?,
        }))
    }

    /// Lets a command run under this account.
    pub(super) fn apply(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }

    /// Gives it a file or directory.
    pub(super) fn own(self, path: &Path) -> Result<()> {
        chown(path, Some(self.user), Some(self.group))
            .with_context(|| format!("cannot give {} to the account {NAME}", path.display()))
    }

    /// Whether it owns a file or directory.
    pub(super) fn owns(self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.uid() == self.user)
    }

    /// Whether it may reach what lies inside a directory.
    pub(super) fn reaches(self, directory: &Path) -> bool {
        let mut test = Command::new("test");
        test.arg("-x").arg(directory).current_dir("/").stdin(Stdio::null());
        self.apply(&mut test);
        test.status().is_ok_and(|status| status.success())
    }
}

fn id(option: &str) -> Result<u32> {
    let output = Command::new("id")
        .args([option, NAME])
        .output()
        .context("cannot start id")?;
    if !output.status.success() {
        bail!("PostgreSQL does not run as root, and there is no account {NAME}: install the package postgresql");
    }
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .context("id printed no number")
}
