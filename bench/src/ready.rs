//! A restart with a history loaded: how soon the program is ready, and the memory that it holds.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use crate::Store;
use crate::measurement::{Measurement, Target};
use crate::samples::median;
use crate::servers::Servers;
use crate::system::{Client, Import, Installation, program};

const BENCH: &str = "ready";
const RESTARTS: usize = 7;
/// Seldom, since memory is measured afterwards.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const READY_MS: f64 = 1_000.0;
const RESIDENT_MB: f64 = 150.0;
const PROGRAM_WITHIN: Duration = Duration::from_secs(10);

/// The limit of a start is the same program when it has nothing to do.
pub(crate) async fn run(store: Store, servers: &Servers, history: &Path) -> Result<Vec<Measurement>> {
    let installation = Installation::new(store, servers).await?;
    let (mut instance, _) = installation.start().await?;
    let import = Import {
        installation: &installation,
        instance: &instance,
        history,
    };
    import.run().await?;
    Client::connect(&installation, &instance)
        .await?
        .wait_level(LOOK_EVERY)
        .await?;
    let resident_after_import = instance.resident_megabytes()?;

    let (mut ready, mut idle, mut resident) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RESTARTS {
        instance.terminate().await?;
        idle.push(milliseconds(start_of_program().await?));
        let restarted = installation.start().await?;
        instance = restarted.0;
        ready.push(milliseconds(restarted.1));
        // Ready is not enough: it must have looked at what is loaded.
        Client::connect(&installation, &instance)
            .await?
            .wait_level(LOOK_EVERY)
            .await?;
        resident.push(instance.resident_megabytes()?);
    }
    instance.terminate().await?;
    installation.remove().await?;

    let name = store.name();
    Ok(vec![
        Measurement::new(BENCH, format!("{name} restart until ready"), median(ready), "ms")
            .against("the program started for --version", median(idle))
            .wanted(Target::Below(READY_MS)),
        Measurement::new(
            BENCH,
            format!("{name} resident after import"),
            resident_after_import,
            "MB",
        )
        .wanted(Target::Below(RESIDENT_MB)),
        Measurement::new(BENCH, format!("{name} resident after restart"), median(resident), "MB")
            .wanted(Target::Below(RESIDENT_MB)),
    ])
}

async fn start_of_program() -> Result<Duration> {
    let mut command = Command::new(program()?);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null());
    let started = Instant::now();
    let mut child = command.kill_on_drop(true).spawn()?;
    let status = timeout(PROGRAM_WITHIN, child.wait())
        .await
        .context("--version does not end")??;
    ensure!(status.success(), "--version ends with {status}");
    Ok(started.elapsed())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
