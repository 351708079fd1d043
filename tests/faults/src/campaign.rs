//! One campaign: load, rounds of faults, healing, rest, checks.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::attempt;
use crate::check;
use crate::cluster::{Cluster, ClusterOptions, Inflicted};
use crate::evidence::{Evidence, RoundEvidence, StrikeEvidence};
use crate::level;
use crate::nemesis::Nemesis;
use crate::schedule::{Pace, Round, Schedule};
use crate::statistics;
use crate::workload::Workload;

/// After everything is healed, every node must do commands again within this time.
const RECOVERY_LIMIT: Duration = Duration::from_mins(1);
/// How long clients may take to learn what became of their last commands: longer than the longest patience of a client.
const FINISH_LIMIT: Duration = Duration::from_mins(2);
/// How long journal and read models may take to be level.
const LEVEL_LIMIT: Duration = Duration::from_mins(2);
/// Before the first round, so that there is something to compare with.
const FIRST_CALM: Duration = Duration::from_secs(3);
/// The clients' log, in the run's directory.
pub const CLIENTS_LOG: &str = "clients.ndjson";
/// The evidence, in the run's directory.
pub const EVIDENCE: &str = "evidence.json";

/// What a campaign shall be like.
#[derive(Debug, Clone)]
pub struct CampaignOptions {
    /// Where everything is kept.
    pub directory: PathBuf,
    /// The binary of the platform.
    pub program: PathBuf,
    /// How long faults are inflicted; starting, healing and checking come on top.
    pub lasts: Duration,
    /// When faults must be over at the latest, counted from the start of the campaign; a slow start leaves less time for them.
    pub faults_end_by: Option<Duration>,
    /// Decides on rounds and commands.
    pub seed: u64,
    /// What may strike.
    pub nemeses: Vec<Nemesis>,
    /// How long rounds are.
    pub pace: Pace,
    /// How many nodes.
    pub nodes: usize,
    /// Whether negative answers are recorded and final.
    pub strict: bool,
    /// How many clients.
    pub clients: u64,
}

/// Runs it to its end. Leaves the clients' log, the evidence and the logs of all processes in its directory.
pub async fn run(options: &CampaignOptions) -> Result<Evidence> {
    let begun = Instant::now();
    let cluster = Cluster::start(ClusterOptions {
        directory: options.directory.clone(),
        program: options.program.clone(),
        nodes: options.nodes,
        strict: options.strict,
        nemeses: options.nemeses.clone(),
    })
    .await?;
    say(&format!(
        "the system is ready after {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    let mut workload = Workload::start(options.clients, options.seed, &cluster.urls(), cluster.tokens())?;
    if workload.next_done(RECOVERY_LIMIT).await.is_none() {
        bail!("not every node does commands within {RECOVERY_LIMIT:?} of the start");
    }
    tokio::time::sleep(FIRST_CALM).await;

    let mut problems = Vec::new();
    let mut end = Instant::now() + options.lasts;
    if let Some(latest) = options.faults_end_by {
        end = end.min(begun + latest);
    }
    let mut rounds = inflict(options, end, &cluster, &workload, &mut problems).await?;

    let open = workload.finish(FINISH_LIMIT).await;
    if open > 0 {
        problems.push(format!(
            "{open} commands had no certain answer {} s after the last fault was healed",
            FINISH_LIMIT.as_secs()
        ));
    }
    cluster.wait_ready(RECOVERY_LIMIT).await?;
    let attempts = workload.attempts();
    statistics::find_silences(&attempts, &mut rounds);
    let clients_log = options.directory.join(CLIENTS_LOG);
    attempt::write(&clients_log, &attempts)?;
    say("clients have ended; waiting until journal and read models are level");
    if let Err(error) = level::wait(&cluster, LEVEL_LIMIT).await {
        problems.push(format!("{error:#}"));
    }
    for (surprise, count) in workload.surprises() {
        problems.push(format!("{count} answers that no fault explains: {surprise}"));
    }
    let checks = check::all(&cluster, &attempts).await?;
    let by_product = check::by_product(&cluster, &options.program, &clients_log).await?;
    let (connections_cut, answers_lost) = cluster.damage();
    let skipped = cluster.skipped().iter();
    let evidence = Evidence {
        seed: options.seed,
        nodes: options.nodes,
        clients: options.clients,
        strict: options.strict,
        seconds: begun.elapsed().as_secs_f64(),
        fault_seconds: options.lasts.as_secs_f64(),
        skipped: skipped
            .map(|(nemesis, reason)| (nemesis.name(), reason.clone()))
            .collect(),
        load: statistics::of_load(&attempts, &rounds),
        longest_wait_after_heal: statistics::longest_wait(&attempts, &rounds),
        rounds,
        connections_cut,
        answers_lost,
        own_ends_of_nodes: cluster.own_ends(),
        checks,
        by_product,
        problems,
    };
    let text = serde_json::to_string_pretty(&evidence)?;
    fs::write(options.directory.join(EVIDENCE), text).context("the evidence cannot be written")?;
    Ok(evidence)
}

/// Rounds of faults until `end`.
async fn inflict(
    options: &CampaignOptions,
    end: Instant,
    cluster: &Cluster,
    workload: &Workload,
    problems: &mut Vec<String>,
) -> Result<Vec<RoundEvidence>> {
    let possible: Vec<Nemesis> = options
        .nemeses
        .iter()
        .copied()
        .filter(|nemesis| !cluster.skipped().contains_key(nemesis))
        .collect();
    let mut rounds = Vec::new();
    // Some things take long to come back, more so on a busy machine; the end is meant for that too.
    let mut slowest_healing = Duration::ZERO;
    for round in Schedule::new(options.seed, &possible, options.pace) {
        let begun = Instant::now();
        if begun + round.lasts + slowest_healing > end {
            break;
        }
        let evidence = one(&round, cluster, workload).await?;
        slowest_healing = slowest_healing.max(begun.elapsed().saturating_sub(round.lasts));
        if evidence.seconds_until_done.is_none() {
            problems.push(format!(
                "round {} ({}): not every node has done a command within {} s after everything was healed",
                rounds.len() + 1,
                evidence.names(),
                RECOVERY_LIMIT.as_secs()
            ));
        }
        say(&format!("round {}: {}", rounds.len() + 1, evidence.sentence()));
        rounds.push(evidence);
        tokio::time::sleep(round.calm).await;
    }
    Ok(rounds)
}

async fn one(round: &Round, cluster: &Cluster, workload: &Workload) -> Result<RoundEvidence> {
    let struck_at = workload.now();
    let mut inflicted: Vec<Inflicted> = Vec::new();
    for strike in &round.strikes {
        inflicted.push(cluster.strike(strike).await?);
    }
    tokio::time::sleep(round.lasts).await;
    // Those that came last go first.
    for one in inflicted.iter().rev() {
        cluster.heal(one).await?;
    }
    let healed_at = workload.now();
    let recovered = workload.next_done(RECOVERY_LIMIT).await;
    let done_at = workload.now();
    let strikes = inflicted.into_iter().map(|one| StrikeEvidence {
        nemesis: one.nemesis,
        what: one.what,
    });
    Ok(RoundEvidence {
        strikes: strikes.collect(),
        struck_at,
        healed_at,
        seconds_until_done: recovered.map(|()| Duration::from_micros(done_at - healed_at).as_secs_f64()),
        longest_silence: 0.0,
    })
}

/// Deletes what a campaign that found nothing has left.
pub fn remove(directory: &Path) -> Result<()> {
    xtask::services::postgres::PrivatePostgres::remove(&directory.join("postgres"))?;
    fs::remove_dir_all(directory).with_context(|| format!("cannot remove {}", directory.display()))
}

fn say(what: &str) {
    eprintln!("{what}");
}
