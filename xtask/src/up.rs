//! `./dev up`: from nothing to a running platform with a real history in it.

mod platform;
mod sample;
mod welcome;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::instance::state::{Run, State, built};
use crate::instance::{down, kafka_directory, log_file, postgres_directory};
use crate::interrupt;
use crate::lock::Lock;
use crate::menu::{LogKind, UpOptions};
use crate::project;
use crate::release::Programs;
use crate::services::free_port::is_free;
use crate::services::kafka::PrivateKafka;
use crate::services::log_file;
use crate::services::postgres::PrivatePostgres;
use platform::Platform;

const STEP: Duration = Duration::from_millis(100);

/// The command.
pub(crate) fn run(options: &UpOptions) -> Result<ExitCode> {
    let lock = Lock::take(&project::dev_directory())?;
    let mut state = State::load()?;
    let program = program(options.program.as_deref())?;

    let remembered = state.postgres_port.filter(|port| is_free(*port)).unwrap_or(0);
    let postgres = PrivatePostgres::start(&postgres_directory(), remembered)?;
    state.postgres_port = Some(postgres.port());
    state.save()?;
    interrupt::check()?;
    let kafka = start_kafka(options)?;
    interrupt::check()?;

    let run = Run {
        log: options.log,
        brokers: options.brokers,
        bootstrap: kafka.as_ref().map(PrivateKafka::bootstrap),
        http_port: platform::choose_port(options.port, state.run.as_ref())?,
        postgres_port: postgres.port(),
        built: built(&program),
        program,
    };
    postgres.create_database(run.database())?;
    let mut platform = Platform::start(&run, state.run.as_ref())?;
    state.run = Some(run.clone());
    state.save()?;

    let user = welcome::user(&mut state)?;
    let token = welcome::token(&run, &user, "admin")?;
    if !options.no_sample && !state.sampled.contains(run.database()) {
        // Imports act as a service; the same user each time, or command ids would not meet.
        sample::import(&run, &welcome::token(&run, &user, "service")?)?;
        state.sampled.insert(run.database().to_owned());
        state.save()?;
    }
    welcome::print(&run, &token, options.detach);
    drop(lock);

    if options.detach {
        platform.leave_running();
        postgres.leave_running();
        if let Some(kafka) = kafka {
            kafka.leave_running();
        }
        return Ok(ExitCode::SUCCESS);
    }
    stay(&mut platform)
}

/// A Kafka is only kept as long as the platform uses it: each broker takes a third of a gigabyte.
fn start_kafka(options: &UpOptions) -> Result<Option<PrivateKafka>> {
    let wanted = kafka_directory(options.brokers);
    for directory in crate::instance::kafka_directories() {
        let unused = options.log == LogKind::Postgresql || directory != wanted;
        if unused && PrivateKafka::runs_in(&directory)? {
            down::stop_platform()?;
            PrivateKafka::stop_in(&directory)?;
        }
    }
    match options.log {
        LogKind::Postgresql => Ok(None),
        LogKind::Kafka => PrivateKafka::start(&wanted, options.brokers).map(Some),
    }
}

/// Until Ctrl-C, then stops everything in order; also when the platform ends by itself, which is then an error.
fn stay(platform: &mut Platform) -> Result<ExitCode> {
    while !interrupt::requested() && platform.is_running() {
        std::thread::sleep(STEP);
    }
    let failed = !interrupt::requested();
    eprintln!("stopping ...");
    let _lock = Lock::take(&project::dev_directory())?;
    down::stop_everything()?;
    if failed {
        bail!("coding-agent ended by itself; {}", log_file::quote(&log_file()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The given program, or a fresh build.
fn program(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(path) => path
            .canonicalize()
            .with_context(|| format!("there is no program {}", path.display())),
        None => Programs::build(&["coding-agent"])?.path("coding-agent"),
    }
}
