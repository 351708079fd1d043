//! The configuration of the platform, as environment variables.

use std::process::Command;

use super::state::Run;
use crate::menu::LogKind;
use crate::project;

const TOPIC: &str = "coding-agent";

/// Gives a command the configuration of this run.
pub(crate) fn apply(run: &Run, command: &mut Command) {
    let database = format!("postgres://postgres@127.0.0.1:{}/{}", run.postgres_port, run.database());
    command
        .env("CODING_AGENT__POSTGRES__URL", database)
        .env("CODING_AGENT__LOG__KIND", run.log.name())
        .env("CODING_AGENT__HTTP__LISTEN", format!("127.0.0.1:{}", run.http_port))
        .env(
            "CODING_AGENT__AUTH__SIGNING_KEY_FILE",
            project::dev_directory().join("signing-key"),
        )
        .env("CODING_AGENT__TELEMETRY__FORMAT", "text");
    if run.log == LogKind::Kafka
        && let Some(bootstrap) = &run.bootstrap
    {
        command
            .env("CODING_AGENT__KAFKA__BROKERS", bootstrap)
            .env("CODING_AGENT__KAFKA__TOPIC", TOPIC);
        if run.brokers == 3 {
            // A record counts once two of three brokers have it, so one may be lost.
            command
                .env("CODING_AGENT__KAFKA__REPLICATION_FACTOR", "3")
                .env("CODING_AGENT__KAFKA__MIN_INSYNC_REPLICAS", "2");
        }
    }
}
