//! All settings of the binary: one section for each service, each defined beside its service.

use anyhow::Context as _;
use command_api::CommandApiOptions;
use kafka::KafkaOptions;
use platform::config::{Environment, Secret, load};
use platform::http::HttpOptions;
use platform::telemetry::TelemetryOptions;
use projections::ProjectorOptions;
use query_api::{CommandsOverHttp, QueryApiOptions};
use serde::{Deserialize, Serialize};

use crate::arguments::SettingsArguments;

/// The defaults, which are also the manual.
const DEFAULTS: &str = include_str!("../config.default.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) http: HttpOptions,
    pub(crate) postgres: PostgresOptions,
    pub(crate) log: LogOptions,
    #[serde(default)]
    pub(crate) kafka: KafkaOptions,
    pub(crate) auth: AuthOptions,
    #[serde(default)]
    pub(crate) telemetry: TelemetryOptions,
    #[serde(default)]
    pub(crate) command_api: CommandApiOptions,
    #[serde(default)]
    pub(crate) query_api: QueryApiOptions,
    #[serde(default)]
    pub(crate) projections: ProjectorOptions,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostgresOptions {
    /// May hold a password, so it is never shown.
    pub(crate) url: Secret<String>,
    pub(crate) max_connections: u32,
    pub(crate) connect_timeout_ms: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogOptions {
    pub(crate) kind: LogKind,
    pub(crate) partitions: u32,
    /// An export of this log (`history export`): projectors that begin before its end read it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) export: Option<std::path::PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogKind {
    Postgresql,
    Kafka,
}

impl LogKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Kafka => "kafka",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthOptions {
    pub(crate) signing_key_file: std::path::PathBuf,
}

impl Settings {
    pub(crate) fn load(arguments: &SettingsArguments) -> anyhow::Result<Self> {
        let environment = Environment::of_process("CODING_AGENT__")?;
        let settings: Self = load(DEFAULTS, arguments.config.as_deref(), &environment, &arguments.set)?;
        settings.check().context("the configuration is not valid")?;
        Ok(settings)
    }

    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            (1..=1_024).contains(&self.log.partitions),
            "log.partitions must lie between 1 and 1024, is {}",
            self.log.partitions
        );
        anyhow::ensure!(
            self.postgres.max_connections >= 8,
            "postgres.max_connections must be at least 8, is {}",
            self.postgres.max_connections
        );
        if let Some(url) = &self.query_api.commands_url {
            CommandsOverHttp::check_url(url)?;
        }
        self.kafka.check()?;
        Ok(())
    }
}
