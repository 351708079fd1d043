//! `faults`: what `./dev faults` runs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use clap::{Parser, ValueEnum};
use faults::campaign::{self, CampaignOptions};
use faults::cluster::Cluster;
use faults::nemesis::Nemesis;
use faults::schedule::Pace;
use tokio::signal::unix::{SignalKind, signal};

/// Inflict faults on three brokers, `PostgreSQL` and nodes under load, and check what clients were told
#[derive(Debug, Parser)]
#[command(name = "./dev faults", bin_name = "./dev faults")]
struct Arguments {
    /// Minutes of faults; starting, healing and checking come on top
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1_440))]
    minutes: u64,
    /// Repeats the rounds of an earlier campaign
    #[arg(long)]
    seed: Option<u64>,
    /// Inflict only these
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Nemesis>,
    /// How many nodes
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=5))]
    nodes: u8,
    /// Record negative answers, which makes them final
    #[arg(long)]
    strict: bool,
    /// How many clients
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=200))]
    clients: u64,
    /// What is printed at the end
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Where runs are kept
    #[arg(long, default_value = ".dev/faults")]
    directory: PathBuf,
    /// The binary of the platform; the one beside this program when left out
    #[arg(long)]
    program: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Of a long campaign.
const PACE: Pace = Pace {
    strike: (Duration::from_secs(3), Duration::from_secs(12)),
    calm: Duration::from_secs(3),
    singles_first: true,
};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<bool> {
    std::fs::create_dir_all(&arguments.directory)?;
    let all = arguments.directory.canonicalize()?;
    Cluster::sweep(&all)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let options = CampaignOptions {
        directory: all.join(format!("{}-{}", since.as_secs(), std::process::id())),
        program: program(arguments.program)?,
        lasts: Duration::from_secs(arguments.minutes * 60),
        faults_end_by: None,
        seed: arguments.seed.unwrap_or_else(|| u64::from(since.subsec_nanos())),
        nemeses: if arguments.only.is_empty() {
            Nemesis::all().to_vec()
        } else {
            arguments.only
        },
        pace: PACE,
        nodes: usize::from(arguments.nodes),
        strict: arguments.strict,
        clients: arguments.clients,
    };
    eprintln!(
        "seed {}, everything is kept in {}",
        options.seed,
        options.directory.display()
    );
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    // Dropping the campaign ends its processes.
    let ended = tokio::select! {
        ended = campaign::run(&options) => ended,
        _ = interrupted.recv() => Err(anyhow::anyhow!("interrupted")),
        _ = terminated.recv() => Err(anyhow::anyhow!("terminated")),
    };
    let passed = ended.as_ref().is_ok_and(faults::evidence::Evidence::passed);
    if let Ok(evidence) = &ended {
        match arguments.output {
            Output::Text => println!("{evidence}"),
            Output::Json => println!("{}", serde_json::to_string_pretty(evidence)?),
        }
    }
    if passed {
        campaign::remove(&options.directory)?;
    } else {
        eprintln!("kept for a closer look: {}", options.directory.display());
    }
    ended.map(|_| passed)
}

fn program(named: Option<PathBuf>) -> Result<PathBuf> {
    let program = match named {
        Some(program) => program.canonicalize().context("there is no such program")?,
        None => std::env::current_exe()?.with_file_name("coding-agent"),
    };
    if !program.is_file() {
        bail!(
            "{} is missing: build it with cargo build -p coding-agent",
            program.display()
        );
    }
    Ok(program)
}
