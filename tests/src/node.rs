//! The scripts under `tests/node/`, which look at the service with the official packages of GraphQL.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::spawn_blocking;
use xtask::services::node::{GRAPHQL_CHECKS, Node, PACKAGES};

use crate::deadline::settled;

/// The longest of them asks an instance some sixty questions.
const PATIENCE: Duration = Duration::from_mins(2);

/// A client that is driven line by line. It is killed when this is dropped.
#[derive(Debug)]
pub struct Driven {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Driven {
    /// Starts a script of those that take commands.
    pub async fn start(script: &str, arguments: &[&str]) -> Self {
        let mut child = command(script, arguments).await.stdin(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, said }
    }

    /// Gives it a command.
    pub async fn tell(&mut self, command: &Value) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(format!("{command}\n").as_bytes()).await.unwrap();
    }

    /// The next thing that it says.
    pub async fn hear(&mut self) -> Value {
        let line = settled("a word of a client", PATIENCE, self.said.next_line()).await;
        let line = line.unwrap().expect("the client has not ended");
        serde_json::from_str(&line).unwrap()
    }
}

/// A script with the packages that it needs.
async fn command(script: &str, arguments: &[&str]) -> Command {
    let kit = spawn_blocking(|| Node::fetch(&GRAPHQL_CHECKS)).await.unwrap().unwrap();
    let mut command = Command::new("node");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("node").join(script))
        .args(arguments)
        .env("NODE_PATH", kit.packages())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a script to its end and gives what it printed, which is one value of JSON.
pub async fn run(script: &str, arguments: &[&str]) -> Value {
    let child = command(script, arguments)
        .await
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start node ({error}): install {PACKAGES}"));
    let output = settled("the end of a script", PATIENCE, child.wait_with_output())
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{script} printed no JSON: {error}"))
}
