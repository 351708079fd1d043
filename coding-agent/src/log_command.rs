//! `coding-agent log`: what an operator does about a log whose history was harmed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use event_store::acceptance::{DEFAULT_WINDOW, Ruled, Ruling};
use event_store::codec::{RecordKind, decode_header};
use event_store::journal::Journal as _;
use event_store::journal::postgres::{LogKind as JournalKind, PostgresJournal};
use event_store::log::{Log, LogRecord, Pace};
use event_store::log_store::open_log;
use kafka::KafkaLog;
use replay_tools::OutputFormat;
use sqlx::PgPool;

use crate::settings::{LogKind, Settings};

/// How long the record at the offset may take to be read.
const READ_PATIENCE: Duration = Duration::from_secs(10);

/// What to do about the log.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Say what holds at an offset where readers have stopped, and let them go on. Shows what would be ruled; `--yes` rules.
    Rule(RuleOptions),
    /// List the rulings on this log.
    Rulings {
        /// The form of the list.
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
}

/// The flags of `log rule`.
#[derive(Debug, Args)]
pub(crate) struct RuleOptions {
    /// The partition that has stopped.
    #[arg(long)]
    partition: u32,
    /// The offset at which it has stopped: logs and errors of the nodes name it.
    #[arg(long)]
    offset: u64,
    #[command(flatten)]
    ruled: RuledOptions,
    /// Why, for those who read it in years.
    #[arg(long)]
    reason: String,
    /// Do it. A ruling is for ever.
    #[arg(long)]
    yes: bool,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    output: OutputFormat,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct RuledOptions {
    /// The record there has no effect.
    #[arg(long)]
    void: bool,
    /// The record there is judged by the rule, although its author saw another history.
    #[arg(long)]
    judge: bool,
    /// Records are lost from there on; this is the first offset that is there again.
    #[arg(long, value_name = "OFFSET")]
    missing_until: Option<u64>,
}

impl RuledOptions {
    fn ruled(&self) -> Ruled {
        match self.missing_until {
            Some(until) => Ruled::Missing { until },
            None if self.judge => Ruled::Judge,
            None => Ruled::Void,
        }
    }
}

/// Does it.
pub(crate) async fn run(command: LogCommand, settings: &Settings, pool: &PgPool) -> anyhow::Result<()> {
    ensure!(
        settings.log.kind == LogKind::Kafka,
        "rulings are about a log on Apache Kafka; here the journal in PostgreSQL is the log (log.kind)"
    );
    let mut options = settings.kafka.clone();
    options.partitions = settings.log.partitions;
    let log: Arc<dyn Log> = Arc::new(KafkaLog::open(options).await?);
    match command {
        LogCommand::Rule(options) => rule(&*log, pool, options).await,
        LogCommand::Rulings { output } => list(&log.rulings().await?, output),
    }
}

fn list(rulings: &[Ruling], output: OutputFormat) -> anyhow::Result<()> {
    output.print(&rulings, || {
        if rulings.is_empty() {
            "nothing was ruled on this log\n".to_owned()
        } else {
            rulings.iter().map(|ruling| describe(ruling) + "\n").collect()
        }
    })?;
    Ok(())
}

fn describe(ruling: &Ruling) -> String {
    let place = format!("partition {} offset {}", ruling.partition, ruling.offset);
    let ruled = match ruling.ruled {
        Ruled::Void => "the record is void".to_owned(),
        Ruled::Judge => "the record is judged by the rule, whatever history its author saw".to_owned(),
        Ruled::Stop => "readers stop here until somebody rules".to_owned(),
        Ruled::Missing { until } => {
            format!("records are missing until offset {until}, and what was decided on them is void")
        }
    };
    format!("{place}: {ruled} ({}; {})", ruling.reason, ruling.at.to_rfc3339())
}

async fn rule(log: &dyn Log, pool: &PgPool, options: RuleOptions) -> anyhow::Result<()> {
    let pin = open_log(log, DEFAULT_WINDOW).await?;
    ensure!(
        options.partition < pin.partitions,
        "the log has the partitions 0 to {}",
        pin.partitions - 1
    );
    let ruling = Ruling {
        log_id: pin.log_id,
        partition: options.partition,
        offset: options.offset,
        ruled: options.ruled.ruled(),
        reason: options.reason,
        at: platform::clock::now(),
    };
    if let Ruled::Missing { until } = ruling.ruled {
        ensure!(until > ruling.offset, "--missing-until must lie after --offset");
    }
    // Whoever has passed the offset has judged by other rules; the journal stops where its readers stop.
    let journal = PostgresJournal::open(pool.clone(), JournalKind::Log, pin.log_id, pin.partitions).await?;
    let checkpoints = journal.checkpoints().await?;
    let stands = checkpoints
        .get(ruling.partition as usize)
        .context("the journal has no checkpoint of this partition")?
        .next_offset;
    ensure!(
        stands == ruling.offset,
        "the journal stands at offset {stands} of partition {}, so readers do not stop at offset {}; rule on the offset that the nodes name",
        ruling.partition,
        ruling.offset
    );
    let found = found(log, &ruling).await?;
    if options.yes {
        log.rule(&ruling).await?;
    }
    let answer = serde_json::json!({ "found": found, "ruling": ruling, "ruled": options.yes });
    options.output.print(&answer, || {
        let done = if options.yes {
            "ruled; start the nodes again, they read it first"
        } else {
            "nothing was ruled; add --yes to do it"
        };
        format!("{found}\n{}\n{done}\n", describe(&ruling))
    })?;
    Ok(())
}

/// What stands at the offset, or where the log goes on.
async fn found(log: &dyn Log, ruling: &Ruling) -> anyhow::Result<String> {
    let end = log.end_offset(ruling.partition).await?;
    let from = match ruling.ruled {
        Ruled::Missing { until } => until,
        Ruled::Void | Ruled::Judge | Ruled::Stop => ruling.offset,
    };
    ensure!(from < end, "partition {} ends at offset {end}", ruling.partition);
    let mut reader = log.read(vec![(ruling.partition, from)], Pace::Prompt);
    let record = tokio::time::timeout(READ_PATIENCE, reader.recv())
        .await
        .context("the record was not read in time")?
        .context("the reader of the log ended")??
        .into_iter()
        .next()
        .context("the log gave no record")?;
    if record.offset != from {
        bail!(
            "there is no record at offset {from} of partition {}; the next one is at {}",
            ruling.partition,
            record.offset
        );
    }
    Ok(shown(&record))
}

fn shown(record: &LogRecord) -> String {
    let place = format!("partition {} offset {}", record.partition, record.offset);
    let what = match decode_header(record) {
        RecordKind::Commit(header) => format!(
            "{} {} on {}, decided on everything through offset {}, by the node at {:?}",
            if header.is_fence { "fence" } else { "commit" },
            header.id,
            header.stream,
            header.candidate.seen,
            header.author
        ),
        RecordKind::Pin(_) => "a pin".to_owned(),
        RecordKind::Foreign => "no record of ours".to_owned(),
        RecordKind::Newer { version } => format!("written in format {version}, by a newer version"),
    };
    format!("{place}, recorded {}: {what}", record.recorded_at.to_rfc3339())
}
