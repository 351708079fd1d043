//! A file system of a limited size for the data of `PostgreSQL`, which can be filled up and freed.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use xtask::services::wait::wait_until;

/// Twenty times what a fresh server has; it lies in memory.
const MEGABYTES: usize = 1_024;
const MEGABYTE: usize = 1 << 20;
/// How long the last process in it may take to go.
const PATIENCE: Duration = Duration::from_secs(10);

/// A mounted file system; unmounted when dropped.
#[derive(Debug)]
pub(super) struct SmallDisk {
    directory: PathBuf,
}

impl SmallDisk {
    /// Mounts one on `directory`, which is made.
    pub(super) fn mount(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let size = format!("size={MEGABYTES}m");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "faults"]).arg(directory);
        run(command)?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// Unmounts what a killed run has left below `directory`.
    pub(super) fn sweep(directory: &Path) -> Result<()> {
        let mounts = fs::read_to_string("/proc/mounts").context("the mounts cannot be read")?;
        let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        places
            .filter(|place| Path::new(place).starts_with(directory))
            .try_for_each(|place| unmount(Path::new(place)))
    }

    /// Leaves no byte free.
    pub(super) fn fill(&self) -> Result<()> {
        let path = self.ballast();
        let mut ballast = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let piece = vec![0; MEGABYTE];
        for _ in 0..=MEGABYTES {
            match ballast.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error).context("the disk cannot be filled"),
            }
        }
        bail!("the disk takes more than its size")
    }

    /// Gives the room back.
    pub(super) fn free(&self) -> Result<()> {
        match fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error).context("the ballast cannot be removed"),
            _ => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.directory.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(error) = unmount(&self.directory) {
            eprintln!("{error:#}; unmount it with: umount -l {}", self.directory.display());
        }
    }
}

fn unmount(directory: &Path) -> Result<()> {
    wait_until("a file system is unmounted", PATIENCE, || {
        let mut command = Command::new("umount");
        command.arg(directory);
        Ok(run(command).is_ok())
    })
    .with_context(|| format!("{} stays mounted", directory.display()))
}

fn run(mut command: Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        bail!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
