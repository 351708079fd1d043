//! Throw-away servers for tests and benchmarks, in a directory of this run under `.dev/test/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::lock::Lock;
use crate::project;
use crate::services::kafka::PrivateKafka;
use crate::services::kafka::jars::Jars;
use crate::services::node::{GRAPHQL_CHECKS, Node};
use crate::services::postgres::PrivatePostgres;
use crate::services::process::RecordedProcess;
use crate::services::python::Python;

/// A `PostgreSQL` and a Kafka of one broker. They end, and their data is deleted, when this is dropped.
#[derive(Debug)]
pub(crate) struct TestServers {
    postgres: PrivatePostgres,
    kafka: PrivateKafka,
    directory: PathBuf,
    _lock: Lock,
}

impl TestServers {
    /// Starts both, after removing what runs that were killed have left behind.
    pub(crate) fn start() -> Result<Self> {
        let all = project::dev_directory().join("test");
        remove_leftovers(&all);
        let directory = all.join(std::process::id().to_string());
        // Held as long as the run lives: it tells a run from what a killed one has left.
        let lock = Lock::take(&directory)?;
        let (postgres, kafka) = std::thread::scope(|scope| {
            let postgres = scope.spawn(|| PrivatePostgres::start(&directory.join("postgres"), 0));
            let kafka = PrivateKafka::start(&directory.join("kafka"), 1);
            let postgres = postgres
                .join()
                .map_err(|_| anyhow::anyhow!("the start of PostgreSQL panicked"));
            (postgres, kafka)
        });
        Ok(Self {
            postgres: postgres??,
            kafka: kafka?,
            directory,
            _lock: lock,
        })
    }

    /// Tells a command where they are. Its temporary files go into the directory of this run too, so that servers which
    /// an interrupted test had started for itself are found there and ended.
    pub(crate) fn describe_to(&self, command: &mut Command) -> Result<()> {
        let temporary = self.directory.join("tmp");
        fs::create_dir_all(&temporary).with_context(|| format!("cannot make {}", temporary.display()))?;
        command
            .env("TMPDIR", temporary)
            .env("CODING_AGENT_TEST_POSTGRES", self.postgres.url())
            .env("CODING_AGENT_TEST_KAFKA", self.kafka.bootstrap())
            .env("CODING_AGENT_TEST_KAFKA_JARS", Jars::location()?.directory())
            .env("CODING_AGENT_TEST_NODE", Node::location(&GRAPHQL_CHECKS)?.directory())
            .env("CODING_AGENT_TEST_PYTHON", Python::location()?.directory());
        Ok(())
    }
}

impl Drop for TestServers {
    fn drop(&mut self) {
        // Nothing in them is kept, so they need not close in order.
        let ended = self.kafka.kill(1).and_then(|()| self.postgres.kill());
        if let Err(error) = ended.and_then(|()| remove(&self.directory)) {
            eprintln!("cannot remove the servers of this run: {error:#}");
        }
    }
}

/// Ends whatever of ours still runs in the directory of a run, and deletes it.
fn remove(run: &Path) -> Result<()> {
    let mut waiting = vec![run.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory)
            .with_context(|| format!("cannot read {}", directory.display()))?
            .flatten()
        {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "pid")
                && let Some(mut process) = RecordedProcess::find(&path)
            {
                process.kill()?;
            }
        }
        // Where its data had to live elsewhere.
        if PrivatePostgres::is_elsewhere(&directory) {
            PrivatePostgres::stop_in(&directory)?;
            PrivatePostgres::remove(&directory)?;
            waiting.retain(|below| !below.starts_with(&directory));
        }
    }
    if run.exists() {
        fs::remove_dir_all(run).with_context(|| format!("cannot remove {}", run.display()))?;
    }
    Ok(())
}

fn remove_leftovers(all: &Path) {
    let Ok(entries) = fs::read_dir(all) else { return };
    for run in entries.flatten().map(|entry| entry.path()) {
        let abandoned = fs::File::open(run.join("lock")).is_ok_and(|file| file.try_lock().is_ok());
        if abandoned && let Err(error) = remove(&run) {
            eprintln!("cannot remove the servers of an earlier run: {error:#}");
        }
    }
}
