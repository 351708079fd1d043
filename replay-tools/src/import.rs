//! `import git`: a history becomes commands, which the running system takes like anybody's.
//!
//! A thread reads commits ([`source`]) and maps each to commands ([`mapping`]) whose ids all derive from the history
//! ([`identity`]); lanes send them and deal with failures. Nothing is remembered between imports: sending everything
//! again is right, because a command that was done is only answered again.

mod classification;
pub mod commit;
pub mod conventional;
mod feed;
pub mod identity;
pub mod mapping;
mod options;
mod progress;
mod rejects;
pub mod report;
mod sending;
pub mod source;
mod text;
mod wire;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::{OutputFormat, ToolError, ToolOptions};

use feed::Feed;
pub use options::ImportOptions;
use progress::ProgressStyleChoice;
use rejects::RejectsFile;
pub use report::ImportReport;
pub use sending::Refusal;
use sending::{Sending, SendingLimits, Tally};
use source::HistorySource;
pub use wire::CommandName;

/// An import that came to an end, one way or the other; what was applied before a failure stays.
#[derive(Debug)]
pub struct ImportOutcome {
    /// What was done.
    pub report: ImportReport,
    /// Why it ended early.
    pub failure: Option<ToolError>,
}

/// Imports and prints the report; the exit code is 1 when commands were refused and that was not asked to be skipped.
pub async fn run(import: ImportOptions, options: &ToolOptions) -> Result<ExitCode, ToolError> {
    let (output, skip_bad) = (import.output, import.skip_bad);
    let ImportOutcome { report, failure } = import_history(import, options).await?;
    output.print(&report, || report.to_text())?;
    match failure {
        Some(failure) => Err(failure),
        None if report.rejected > 0 && !skip_bad => Ok(ExitCode::FAILURE),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Imports without printing a report. An error means that nothing was sent.
pub async fn import_history(import: ImportOptions, options: &ToolOptions) -> Result<ImportOutcome, ToolError> {
    let connection = Connection::new(options)?;
    let start = Instant::now();
    let source = HistorySource::at(&import.path)?;
    let total = {
        let source = source.clone();
        in_background("counting thread", move || source.count())
            .await??
            .min(import.limit.unwrap_or(u64::MAX))
    };
    let tally = Arc::new(Tally::default());
    let rejects = Arc::new(RejectsFile::new(import.skip_bad.then(|| import.rejects_path())));
    let feed = Feed {
        source,
        repository: import.repo.clone(),
        limit: import.limit,
        skip_bad: import.skip_bad,
        tally: tally.clone(),
        rejects: rejects.clone(),
    };
    let style = match import.output {
        OutputFormat::Text => ProgressStyleChoice::Fitting,
        OutputFormat::Json => ProgressStyleChoice::Silent,
    };
    let mut failure = {
        let work = work(&import, connection, feed, &tally, &rejects);
        tokio::select! {
            done = work => done.err(),
            () = progress::show(style, total, tally.clone()) => None,
        }
    };
    let mut report = ImportReport::new(&tally, start.elapsed().as_secs_f64(), import.dry_run);
    match rejects.finish() {
        Ok(path) => report.rejects_file = path.map(std::path::Path::to_owned),
        Err(error) => failure = failure.or(Some(error)),
    }
    report.error = failure.as_ref().map(ToString::to_string);
    Ok(ImportOutcome { report, failure })
}

async fn work(
    import: &ImportOptions,
    connection: Connection,
    feed: Feed,
    tally: &Arc<Tally>,
    rejects: &Arc<RejectsFile>,
) -> Result<(), ToolError> {
    if import.dry_run {
        return in_background("reading thread", move || feed.run(|_| true)).await?;
    }
    let limits = SendingLimits {
        lanes: usize::from(import.concurrency),
        batch: import.batch,
        give_up_after: Duration::from_secs(import.give_up_after),
    };
    let (sending, entrance) = Sending::start(&connection, limits, tally, rejects);
    let reading = tokio::task::spawn_blocking(move || feed.run(|command| entrance.put(command)));
    let sent = sending.finish().await;
    let read = reading
        .await
        .map_err(|_| ToolError::Crashed { part: "reading thread" })?;
    // A lane that failed made the reading stop: its reason is the first.
    sent.and(read)
}

async fn in_background<T: Send + 'static>(
    part: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ToolError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ToolError::Crashed { part })
}
