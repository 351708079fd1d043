//! `./dev simulate`: worlds from seeds, until one breaks a promise.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Parser, ValueEnum};
use serde_json::json;
use simulation::run::{Run, Summary, run};
use simulation::{Case, Product, Report, run_world};

/// Fewer worlds than this need not meet every case.
const ENOUGH_FOR_EVERY_CASE: u64 = 500;
/// Between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Run the write side in simulated worlds, each from a seed, and check what was promised.
#[derive(Debug, Parser)]
#[command(name = "./dev simulate", bin_name = "./dev simulate")]
struct Arguments {
    /// How many worlds [default: 2000, or without an end when --minutes is given]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The first seed
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    from: u64,
    /// Only the world of this seed, told line by line
    #[arg(long, conflicts_with_all = ["seeds", "from", "minutes", "keep_going"])]
    seed: Option<u64>,
    /// Begin no world after so many minutes
    #[arg(long, value_name = "M")]
    minutes: Option<u64>,
    /// Threads [default: as many as there are processors]
    #[arg(long)]
    jobs: Option<usize>,
    /// Do not stop at the first world that breaks a promise
    #[arg(long)]
    keep_going: bool,
    /// How to say what came of it
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// One JSON object
    Json,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => tell_one(seed, arguments.output),
        None => tell_many(&arguments),
    }
}

fn tell_one(seed: u64, output: Output) -> Result<ExitCode> {
    let report = run_world(seed, Product::AsItIs, true);
    let violations: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
    let mut out = std::io::stdout().lock();
    if output == Output::Json {
        let Report {
            commands,
            attempts,
            commits,
            digest,
            trace,
            ..
        } = &report;
        let digest = format!("{digest:016x}");
        let told = json!({
            "seed": seed, "commands": commands, "attempts": attempts, "commits": commits, "digest": digest,
            "violations": violations, "trace": trace,
        });
        writeln!(out, "{told}")?;
    } else {
        for line in &report.trace {
            writeln!(out, "{line}")?;
        }
        writeln!(
            out,
            "\nworld {seed}: {} commands in {} attempts, {} commits; trace {:016x}",
            report.commands, report.attempts, report.commits, report.digest
        )?;
        for violation in &violations {
            writeln!(out, "BROKEN: {violation}")?;
        }
        if violations.is_empty() {
            writeln!(out, "every promise was kept")?;
        }
    }
    Ok(exit_code(violations.is_empty()))
}

fn tell_many(arguments: &Arguments) -> Result<ExitCode> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let plan = Run {
        from: arguments.from,
        seeds: arguments.seeds.or(arguments.minutes.is_none().then_some(2_000)),
        longest: arguments.minutes.map(|minutes| Duration::from_secs(60 * minutes)),
        jobs: arguments.jobs.unwrap_or(processors),
        keep_going: arguments.keep_going,
        product: Product::AsItIs,
    };
    let begun = Instant::now();
    let said = Mutex::new(begun);
    let on_terminal = std::io::stderr().is_terminal();
    let summary = run(&plan, |summary| {
        if let Ok(mut said) = said.lock()
            && on_terminal
            && said.elapsed() >= PROGRESS_EVERY
        {
            *said = Instant::now();
            let Summary {
                worlds,
                commands,
                failures,
                ..
            } = summary;
            let broken = failures.len();
            // Progress is for eyes only: when nobody can see it, nothing is lost.
            let _ = write!(
                std::io::stderr(),
                "\r{worlds} worlds, {commands} commands, {broken} with broken promises "
            );
        }
    });
    if on_terminal {
        let _ = writeln!(std::io::stderr());
    }
    let missing = if summary.worlds >= ENOUGH_FOR_EVERY_CASE {
        summary.coverage.missing()
    } else {
        Vec::new()
    };
    let text = match arguments.output {
        Output::Text => as_text(&plan, &summary, &missing, begun.elapsed()),
        Output::Json => as_json(&plan, &summary, &missing, begun.elapsed()),
    };
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(exit_code(summary.failures.is_empty() && missing.is_empty()))
}

fn as_text(plan: &Run, summary: &Summary, missing: &[&str], elapsed: Duration) -> String {
    let mut lines = vec![format!(
        "{} worlds from seed {} on, in {:.1} s on {} threads",
        summary.worlds,
        plan.from,
        elapsed.as_secs_f64(),
        plan.jobs
    )];
    let Summary {
        commands,
        attempts,
        commits,
        ..
    } = summary;
    lines.push(format!("{commands:>10}  commands that clients wanted done"));
    lines.push(format!("{attempts:>10}  times that they were sent"));
    lines.push(format!("{commits:>10}  commits that became history"));
    for (case, meaning) in Case::ALL {
        lines.push(format!("{:>10}  {meaning}", summary.coverage.count(case)));
    }
    for (seed, violations) in &summary.failures {
        lines.push(format!("\nBROKEN in the world of seed {seed}:"));
        lines.extend(violations.iter().map(|violation| format!("  {violation}")));
        lines.push(format!("  see it again: ./dev simulate --seed {seed}"));
    }
    lines.extend(missing.iter().map(|meaning| format!("\nNEVER MET: {meaning}")));
    if summary.failures.is_empty() && missing.is_empty() {
        lines.push("every promise was kept".to_owned());
    }
    lines.join("\n")
}

fn as_json(plan: &Run, summary: &Summary, missing: &[&str], elapsed: Duration) -> String {
    let cases: serde_json::Map<String, serde_json::Value> = Case::ALL
        .iter()
        .map(|(case, _)| (format!("{case:?}"), json!(summary.coverage.count(*case))))
        .collect();
    let failures: Vec<_> = summary
        .failures
        .iter()
        .map(|(seed, violations)| {
            let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
            json!({"seed": seed, "violations": violations, "replay": format!("./dev simulate --seed {seed}")})
        })
        .collect();
    json!({
        "from": plan.from, "worlds": summary.worlds, "seconds": elapsed.as_secs_f64(), "jobs": plan.jobs,
        "commands": summary.commands, "attempts": summary.attempts, "commits": summary.commits,
        "cases": cases, "neverMet": missing, "failures": failures,
    })
    .to_string()
}

fn exit_code(kept: bool) -> ExitCode {
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
