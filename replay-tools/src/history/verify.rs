//! `history verify`: is the log whole, and does everything that is derived from it or was said about it agree?
//!
//! 1. The log ([`topic`], [`streams`]): every record of every partition from the first on, judged by the acceptance rule; revisions,
//!    command ids, event ids, and that every event can be read.
//! 2. The journal ([`journal`]): row by row the accepted log up to its checkpoint, in both directions. Where the journal is the log, it is
//!    checked as the log instead.
//! 3. The read models ([`read_models`]): what serves, against a second fold of the log at exactly the same cut.
//! 4. The clients' log ([`clients`]): what was answered, against what happened.
//!
//! The database is read in one snapshot, the log up to its ends after that snapshot: a system at work does not disturb it. Partitions
//! are read one after the other; memory is about 60 bytes for each event of the largest partition, and the clients' log.

pub mod clients;
pub mod error;
pub mod finding;
mod journal;
mod options;
mod read_models;
pub mod report;
mod streams;
mod topic;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use event_store::acceptance::Rulings;
use event_store::codec::Pin;
use event_store::log::Log;
use event_store::{Cut, LogEpoch};
use futures::future::try_join_all;
use platform::shutdown::Shutdown;
use sqlx::PgPool;

use crate::history::{HistorySources, LogSource};
use crate::progress::{self, Meter};
use clients::ClientsCheck;
pub use error::VerifyError;
pub use finding::{Code, Finding, Findings, Place};
use journal::compare::JournalPartition;
use journal::own::OwnPartition;
use journal::{Kind, Snapshot};
pub use options::VerifyOptions;
use read_models::ReadModels;
pub use report::{HistoryReport, JournalReport, ReadModelsReport, VerifyReport, Voids};
use streams::StreamCheck;
use topic::TopicReader;

/// Names of stores in reports, as in the setting `log.kind`.
const KAFKA: &str = "kafka";
const POSTGRESQL: &str = "postgresql";

/// Checks and prints; exit code 1 when something is wrong.
pub(crate) async fn run(
    options: &VerifyOptions,
    sources: &HistorySources,
    shutdown: &Shutdown,
) -> Result<ExitCode, VerifyError> {
    let meter = Meter::default();
    let report = tokio::select! {
        report = checked(options, sources, shutdown, &meter) => report?,
        () = progress::show(options.output, &meter) => return Err(VerifyError::Interrupted),
    };
    options.output.print(&report, || report.to_text())?;
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Checks without printing.
pub async fn verify(
    options: &VerifyOptions,
    sources: &HistorySources,
    shutdown: &Shutdown,
) -> Result<VerifyReport, VerifyError> {
    checked(options, sources, shutdown, &Meter::default()).await
}

async fn checked(
    options: &VerifyOptions,
    sources: &HistorySources,
    shutdown: &Shutdown,
    meter: &Meter,
) -> Result<VerifyReport, VerifyError> {
    let started = Instant::now();
    // Read first: what clients were told by now is in everything that is read from here on.
    let clients = if options.clients.is_empty() {
        None
    } else {
        Some(ClientsCheck::read(&options.clients)?)
    };
    let mut verification = Verification {
        findings: Findings::new(options.limit),
        seen: HistoryReport::default(),
        clients,
        models: ReadModels::skipped("as was asked"),
        compares_models: !options.skip_read_models,
        meter,
    };
    let report = tokio::select! {
        report = verification.check(sources) => report,
        () = shutdown.requested() => Err(VerifyError::Interrupted),
    };
    // However it ended, nothing stays behind.
    let closed = verification.models.close().await;
    let mut report = report?;
    closed?;
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// One run.
struct Verification<'a> {
    findings: Findings,
    seen: HistoryReport,
    clients: Option<ClientsCheck>,
    models: ReadModels,
    compares_models: bool,
    meter: &'a Meter,
}

impl Verification<'_> {
    async fn check(&mut self, sources: &HistorySources) -> Result<VerifyReport, VerifyError> {
        let pool = &sources.pool;
        let (journal, mut snapshot) = match &sources.log {
            LogSource::Journal => {
                let mut snapshot = Snapshot::begin(pool, Kind::Own).await?;
                self.check_own_journal(&mut snapshot, pool).await?;
                (None, snapshot)
            }
            LogSource::Log(log) => {
                let mut snapshot = Snapshot::begin(pool, Kind::Index).await?;
                let journal = self.check_log(log, &mut snapshot, pool).await?;
                (Some(journal), snapshot)
            }
        };
        self.meter.begin("the read models", 0);
        let connection = snapshot.connection();
        let read_models = self.models.compare(connection, &mut self.findings).await?;
        snapshot.close().await?;
        let clients = self.clients.take().map(|clients| clients.judge(&mut self.findings));
        Ok(VerifyReport {
            journal,
            read_models,
            clients,
            ..VerifyReport::new(&self.findings, std::mem::take(&mut self.seen))
        })
    }

    /// The journal is the log.
    async fn check_own_journal(&mut self, snapshot: &mut Snapshot, pool: &PgPool) -> Result<(), VerifyError> {
        let partitions = snapshot.head.partitions();
        let (end, epoch) = (snapshot.head.end(), snapshot.head.epoch());
        let ends = (0..partitions).map(|partition| (partition, end)).collect();
        self.begin_fold(pool, snapshot, epoch, &ends).await?;
        self.seen.store = POSTGRESQL;
        self.seen.partitions = partitions;
        self.meter.begin("the journal", snapshot.row_estimate().await?);
        for partition in 0..partitions {
            let mut rows = OwnPartition::new(partition);
            let mut streams = StreamCheck::new(partition, partitions);
            while let Some((taken, events)) = rows.next(snapshot.connection(), &mut self.findings).await? {
                self.seen.records += taken;
                for event in &events {
                    streams.take(event, false, &mut self.seen, &mut self.findings, self.clients.as_mut());
                }
                let next = events.last().map_or(0, |event| event.at.offset + 1);
                self.models.take(events, partition, next).await?;
                self.meter.advance(taken);
            }
            streams.finish(&mut self.seen, self.clients.as_mut());
            self.models.take(Vec::new(), partition, ends.next(partition)).await?;
        }
        snapshot.check_partitions(&mut self.findings).await?;
        snapshot.check_rejected(&mut self.findings).await?;
        snapshot.check_positions(Kind::Own, &mut self.findings).await
    }

    /// The log is elsewhere, and the journal its index.
    async fn check_log(
        &mut self,
        log: &Arc<dyn Log>,
        snapshot: &mut Snapshot,
        pool: &PgPool,
    ) -> Result<JournalReport, VerifyError> {
        let mut report = JournalReport::default();
        let checkpoints = snapshot.checkpoints().await?;
        let partitions = log.partitions();
        // After the snapshot: whatever the journal has taken lies below these ends.
        let ends = try_join_all((0..partitions).map(|partition| log.end_offset(partition))).await?;
        let pin = topic::read_pin(&**log, &mut self.findings).await?;
        let log_id = pin.as_ref().map_or(snapshot.head.log_id, |pin| pin.log_id);
        let rulings = Rulings::new(log_id, &log.rulings().await?);
        let comparable = self.check_identity(pin.as_ref(), partitions, snapshot);
        if let Some(pin) = &pin {
            let cut = (0..partitions).zip(ends.iter().copied()).collect();
            self.begin_fold(pool, snapshot, LogEpoch(pin.log_id), &cut).await?;
        }
        self.seen.store = KAFKA;
        self.seen.partitions = partitions;
        self.meter.begin("the log", ends.iter().sum());
        for (partition, end) in (0..partitions).zip(ends) {
            let checkpoint = checkpoints.get(partition as usize).copied().unwrap_or_default();
            let place = (partition, end);
            let ruled = rulings.of(partition);
            let mut reader = TopicReader::start(&**log, place, pin.as_ref(), ruled, checkpoint.next_offset);
            let mut journal = comparable.then(|| JournalPartition::new(partition, checkpoint));
            let mut streams = StreamCheck::new(partition, partitions);
            let mut judged = 0;
            while let Some(piece) = reader.next(&mut self.seen, &mut self.findings).await? {
                for event in &piece.events {
                    streams.take(event, true, &mut self.seen, &mut self.findings, self.clients.as_mut());
                }
                if let Some(journal) = &mut journal {
                    let connection = snapshot.connection();
                    journal
                        .compare(connection, &piece, &mut report, &mut self.findings)
                        .await?;
                }
                self.meter.advance(piece.next - judged);
                judged = piece.next;
                self.models.take(piece.events, partition, piece.next).await?;
            }
            streams.finish(&mut self.seen, self.clients.as_mut());
            if let Some(journal) = journal {
                let connection = snapshot.connection();
                journal
                    .finish(connection, &reader, end, &mut report, &mut self.findings)
                    .await?;
            }
        }
        if comparable {
            snapshot.check_partitions(&mut self.findings).await?;
            snapshot.check_rejected(&mut self.findings).await?;
            snapshot.check_positions(Kind::Index, &mut self.findings).await?;
        }
        Ok(report)
    }

    async fn begin_fold(
        &mut self,
        pool: &PgPool,
        snapshot: &mut Snapshot,
        history: LogEpoch,
        ends: &Cut,
    ) -> Result<(), VerifyError> {
        if self.compares_models {
            let connection = snapshot.connection();
            self.models
                .begin(pool, connection, history, ends, &mut self.findings)
                .await?;
        }
        Ok(())
    }

    /// Are log and journal made for each other? Comparing them makes no sense otherwise.
    fn check_identity(&mut self, pin: Option<&Pin>, partitions: u32, snapshot: &Snapshot) -> bool {
        let Some(pin) = pin else {
            return snapshot.head.partitions() == partitions;
        };
        if pin.partitions != partitions {
            let sentence = format!(
                "the log was made with {} partitions and has {partitions}: streams would be cut in two",
                pin.partitions
            );
            self.findings.add(Finding::new(Code::PinDiffers, sentence));
        }
        let head = &snapshot.head;
        if head.log_id != pin.log_id || head.partitions() != pin.partitions {
            let sentence = format!(
                "the journal is that of log {} with {} partitions, the log is {} with {}: the topic was made anew, or one of both was \
                 restored from elsewhere",
                head.log_id,
                head.partitions(),
                pin.log_id,
                pin.partitions
            );
            self.findings.add(Finding::new(Code::JournalOfOtherLog, sentence));
            return false;
        }
        true
    }
}
