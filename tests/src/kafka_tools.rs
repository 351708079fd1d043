//! Kafka's own programs, run from its jars.

use std::path::Path;
use std::process::{Command, Stdio};

use tokio::task::spawn_blocking;
use xtask::services::kafka::jars::Jars;

/// Java with Kafka's jars; what it runs is to be added.
pub(crate) fn java(directory: &Path) -> Command {
    let mut command = Command::new("java");
    command
        .current_dir(directory)
        .args(["-Xmx256m", "-XX:+UseSerialGC"])
        .args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"])
        .arg(Jars::fetch().unwrap().directory().join("*"));
    command
}

/// Runs a program that must succeed.
pub(crate) fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{}: {}{}",
        command.get_program().display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs a command line that begins with `kafka-configs.sh`, as an operator would.
pub async fn kafka_configs(command_line: &str) {
    let arguments = command_line
        .strip_prefix("kafka-configs.sh ")
        .expect("a call of kafka-configs.sh");
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    let directory = std::env::temp_dir();
    spawn_blocking(move || run(java(&directory).arg("kafka.admin.ConfigCommand").args(arguments)))
        .await
        .unwrap();
}
