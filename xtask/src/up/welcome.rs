//! What a person needs next: addresses, a token, a query to paste.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::instance::state::{Run, State};
use crate::instance::{environment, log_file};

const QUERY: &str = "{ tasks(first: 5) { totalCount nodes { id title type complexity status } } }";

/// The user of this working copy, made once.
pub(super) fn user(state: &mut State) -> Result<String> {
    if let Some(user) = &state.user {
        return Ok(user.clone());
    }
    let user = fs::read_to_string("/proc/sys/kernel/random/uuid")
        .context("cannot make a user id")?
        .trim()
        .to_owned();
    state.user = Some(user.clone());
    state.save()?;
    Ok(user)
}

/// A token, from the platform's own command.
pub(super) fn token(run: &Run, user: &str, role: &str) -> Result<String> {
    let mut command = Command::new(&run.program);
    environment::apply(run, &mut command);
    let output = command
        .args(["token", "--role", role, "--user", user])
        .output()
        .context("cannot start `token`")?;
    if !output.status.success() {
        bail!("no token was made: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Prints it all.
pub(super) fn print(run: &Run, token: &str, detached: bool) {
    let url = run.url();
    println!(
        "
Ready. Events are stored in {log}.

  GraphQL   {url}/graphql
  Commands  {url}/api
  Health    {url}/health/ready
  Metrics   {url}/metrics
  Log file  {file}

An administrator's token:

  {token}

A query:

  curl -s {url}/graphql -H 'authorization: Bearer {token}' -H 'content-type: application/json' \\
    -d '{{\"query\": \"{QUERY}\"}}'
",
        log = match run.log.name() {
            "kafka" => "Apache Kafka",
            _ => "PostgreSQL",
        },
        file = log_file().display(),
    );
    println!(
        "{}",
        if detached {
            "Stop it with ./dev down."
        } else {
            "Stop it with Ctrl-C."
        }
    );
}
