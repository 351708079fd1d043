//! `doctor`: puts the checks together, from the settings on.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kafka::ReadOnlyKafkaLog;
use kafka::guard::inspect;
use replay_tools::doctor::{DoctorOptions, DoctorReport, Verdict, answered, database, log, machine, read_models};
use replay_tools::history::LogSource;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::runtime::Runtime;

use crate::arguments::SettingsArguments;
use crate::settings::{LogKind, Settings};

/// Checks that run one after the other need one; none may wait for long.
const CONNECTIONS: u32 = 2;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn run(
    runtime: Runtime,
    options: &DoctorOptions,
    arguments: &SettingsArguments,
) -> anyhow::Result<ExitCode> {
    let report = runtime.block_on(look(arguments));
    // A question to a broker that is away blocks a thread for seconds.
    runtime.shutdown_background();
    report
        .print(options.output)
        .context("the findings could not be printed")
}

async fn look(arguments: &SettingsArguments) -> DoctorReport {
    let mut report = DoctorReport::default();
    let settings = match Settings::load(arguments) {
        Ok(settings) => settings,
        Err(error) => {
            let remedy = "mend the file, the environment or --set; `coding-agent config` prints what would be used";
            report.add("settings", Verdict::finding(format!("{error:#}"), remedy));
            return report;
        }
    };
    report.add("settings", Verdict::fine("they can be read and fit together"));
    machine::check(&mut report, settings.http.listen, &settings.auth.signing_key_file).await;
    let pool = database(&mut report, &settings).await;
    if let Some(pool) = &pool {
        database::check(&mut report, pool, settings.postgres.max_connections).await;
    }
    let log = match settings.log.kind {
        LogKind::Postgresql => Some(LogSource::Journal),
        LogKind::Kafka => topic(&mut report, &settings).await,
    };
    if let Some(pool) = &pool {
        let end = match &log {
            Some(log) => log::check(&mut report, log, pool).await,
            None => None,
        };
        read_models::check(&mut report, pool, end.as_ref()).await;
    }
    report
}

async fn database(report: &mut DoctorReport, settings: &Settings) -> Option<PgPool> {
    let url = settings.postgres.url.expose();
    // By itself first: a pool tries again until its time is over, and then does not say why.
    let connected = answered(async {
        PgConnection::connect(url).await?.close().await?;
        PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_TIMEOUT)
            .connect_lazy(url)
    });
    match connected.await {
        Ok(pool) => {
            report.add("database.reachable", Verdict::fine("it answers (postgres.url)"));
            Some(pool)
        }
        Err(reason) => {
            let remedy = "start PostgreSQL, make the database with `createdb`, or set postgres.url to where it is";
            let sentence = format!("it does not answer: {reason}");
            report.add("database.reachable", Verdict::finding(sentence, remedy));
            None
        }
    }
}

/// The topic as its guard sees it; the log, if there is one that can be read.
async fn topic(report: &mut DoctorReport, settings: &Settings) -> Option<LogSource> {
    let mut options = settings.kafka.clone();
    options.partitions = settings.log.partitions;
    let found = match answered(inspect(&options)).await {
        Ok(found) => found,
        Err(reason) => {
            let remedy =
                "start the brokers, or set kafka.brokers to where they are and kafka.security to what they want";
            report.add("log.brokers", Verdict::finding(reason, remedy));
            return None;
        }
    };
    report.add("log.brokers", Verdict::fine("they answer (kafka.brokers)"));
    let exists = found.partitions > 0;
    let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
    let verdict = if !exists {
        Verdict::fine(format!(
            "topic {} does not exist yet; the first start makes it",
            options.topic
        ))
    } else if !errors.is_empty() {
        Verdict::finding(
            errors.join("; "),
            "mend the topic as said: nodes do not write to it until then",
        )
    } else if !found.advice.is_empty() {
        let remedy = "it works today; do this before somebody changes a default of the brokers";
        Verdict::finding(found.advice.join("; "), remedy)
    } else {
        Verdict::fine(format!("topic {} keeps history safe", options.topic))
    };
    report.add("log.topic", verdict);
    if !exists {
        return None;
    }
    match ReadOnlyKafkaLog::open(settings.kafka.clone()).await {
        Ok(log) => Some(LogSource::Log(Arc::new(log))),
        Err(error) => {
            report.add(
                "log.reachable",
                Verdict::not_checked(replay_tools::doctor::chain(&error)),
            );
            None
        }
    }
}
