//! What an analyst does with a long history, by the program's own commands: its state as of another place, an export, a search in that.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use event_store::{Cut, PositionToken};
use tokio::time::timeout;

use super::BENCH;
use crate::filled_log::FilledLog;
use crate::limit::postgres::copy_out_of_journal;
use crate::measurement::{Measurement, Target, as_float};
use crate::system::Installation;

/// A generation that was saved is so many events behind the place that is asked for.
const EVENTS_FROM_SAVED: u64 = 10_000;
const AS_OF_SECONDS: f64 = 10.0;
const EXPORTED_A_SECOND: f64 = 200_000.0;
const SEARCHED_A_SECOND: f64 = 500_000.0;
/// One event in 143 has this type, one in five that one.
const RARE_TYPE: &str = "conversation.started";
const FREQUENT_TYPE: &str = "task.created";
const WITHIN: Duration = Duration::from_hours(1);

pub(super) async fn run(log: &FilledLog) -> Result<Vec<Measurement>> {
    let mut rows = as_of(log).await?;
    rows.extend(export_and_search(log).await?);
    Ok(rows)
}

/// The first look builds a generation, which is not what is measured; the second one is near it.
async fn as_of(log: &FilledLog) -> Result<Vec<Measurement>> {
    let wanted = Target::Below(AS_OF_SECONDS);
    let case = format!("as of a place {EVENTS_FROM_SAVED} events from a saved one");
    if !is_there(&log.installation, &["history", "as-of"]).await? {
        return Ok(vec![Measurement::not_there(BENCH, case, "s", wanted)]);
    }
    let place = |from_end: u64| {
        let next = (log.events + 1).saturating_sub(from_end);
        let cut: Cut = (0..log.store.partitions()).map(|partition| (partition, next)).collect();
        PositionToken {
            epoch: log.store.epoch(),
            cut,
            stream: None,
        }
        .encode()
    };
    let (saved, near) = (place(2 * EVENTS_FROM_SAVED), place(EVENTS_FROM_SAVED));
    let first = seconds(&log.installation, &["history", "as-of", &saved, "--output", "json"]).await?;
    let second = seconds(&log.installation, &["history", "as-of", &near, "--output", "json"]).await?;
    let nearer = place(0);
    let extend = ["history", "as-of", &nearer, "--extend", "--output", "json"];
    let third = seconds(&log.installation, &extend).await?;
    Ok(vec![
        Measurement::new(BENCH, "as of a place, nothing saved", first, "s"),
        Measurement::new(BENCH, format!("{case}, copied"), second, "s"),
        Measurement::new(BENCH, format!("{case}, extended"), third, "s").wanted(wanted),
    ])
}

async fn export_and_search(log: &FilledLog) -> Result<Vec<Measurement>> {
    let (exported, searched) = (Target::AtLeast(EXPORTED_A_SECOND), Target::AtLeast(SEARCHED_A_SECOND));
    if !is_there(&log.installation, &["history", "export"]).await? {
        return Ok(vec![
            Measurement::not_there(BENCH, "export", "events/s", exported),
            Measurement::not_there(BENCH, "search an export", "events/s", searched),
        ]);
    }
    // Commands of the case before may have added some.
    let end = log.store.end().await?;
    let events = as_float(log.store.behind(&end, &Cut::start()));
    let folder = log.installation.folder("export");
    let folder = folder
        .to_str()
        .context("the temporary folder has a name that is not text")?;
    let exporting = seconds(
        &log.installation,
        &["history", "export", "--to", folder, "--output", "json"],
    )
    .await?;
    let (taken_out, took) = copy_out_of_journal(log.database_url()).await?;
    let mut rows = vec![
        Measurement::new(BENCH, "export", events / exporting, "events/s")
            .against(
                "COPY of the journal to a client that looks at nothing",
                as_float(taken_out) / took.as_secs_f64(),
            )
            .wanted(exported),
    ];
    for (kind, event_type) in [("rare", RARE_TYPE), ("frequent", FREQUENT_TYPE)] {
        let search = [
            "history", "grep", "--export", folder, "--type", event_type, "--output", "json",
        ];
        let searching = seconds(&log.installation, &search).await?;
        let case = format!("search an export for a {kind} type");
        rows.push(Measurement::new(BENCH, case, events / searching, "events/s").wanted(searched));
    }
    std::fs::remove_dir_all(folder).context("the export cannot be deleted")?;
    Ok(rows)
}

/// Does the program have this command?
async fn is_there(installation: &Installation, command: &[&str]) -> Result<bool> {
    let arguments = [command, ["--help"].as_slice()].concat();
    let mut help = installation.program(&arguments)?;
    Ok(help
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await?
        .success())
}

/// How long a command of the program takes, its start included.
async fn seconds(installation: &Installation, arguments: &[&str]) -> Result<f64> {
    let started = Instant::now();
    let mut command = installation.program(arguments)?;
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let ended = timeout(WITHIN, child.wait_with_output()).await;
    let name = arguments.iter().take(2).copied().collect::<Vec<_>>().join(" ");
    let output = ended.with_context(|| format!("{name} does not end in time"))??;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} ended with {}: {errors}", output.status);
    Ok(started.elapsed().as_secs_f64())
}
