//! The serving read models against a second fold of the log: at exactly the cut that they cover in the snapshot.

use event_store::{Cut, FollowBatch, LogEpoch, RecordedEvent};
use projections::comparison::RowDifference;
use projections::gaps::Gaps;
use projections::read::{self, Serving};
use projections::refold::Refold;
use projections::{ProjectionError, ProjectorOptions, ReadError, fingerprint, read_model};
use sqlx::{PgConnection, PgPool};
use tokio::task::JoinHandle;

use super::error::VerifyError;
use super::finding::{Code, Finding, Findings};
use super::report::ReadModelsReport;

/// The second fold of one verification, or why there is none.
pub(super) struct ReadModels {
    serving: Option<Serving>,
    /// What it does not have of the log: the second fold has it not either.
    gaps: Gaps,
    refold: Option<Refold>,
    /// Makes the generation of the second fold. A task of its own: when the verification is interrupted meanwhile, it comes to its end and what
    /// it has made can be removed.
    beginning: Option<JoinHandle<Result<Refold, ProjectionError>>>,
    /// Why the fold cannot go on.
    stopped: Option<ProjectionError>,
    skipped: Option<String>,
}

impl ReadModels {
    /// Nothing is compared.
    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self {
            serving: None,
            gaps: Gaps::default(),
            refold: None,
            beginning: None,
            stopped: None,
            skipped: Some(reason.into()),
        }
    }

    /// Begins the second fold of what serves in the snapshot of `connection`.
    pub(super) async fn begin(
        &mut self,
        pool: &PgPool,
        connection: &mut PgConnection,
        history: LogEpoch,
        ends: &Cut,
        findings: &mut Findings,
    ) -> Result<(), VerifyError> {
        let made: bool = sqlx::query_scalar("select to_regclass('control.serving') is not null")
            .fetch_one(&mut *connection)
            .await?;
        if !made {
            {
                *self = Self::skipped("no projector has run yet");
                return Ok(());
            };
        }
        let serving = match read::serving(connection).await {
            Ok(serving) => serving,
            Err(ReadError::Database(error)) => return Err(error.into()),
            Err(_) => {
                *self = Self::skipped("no projector has run yet");
                return Ok(());
            }
        };
        if serving.epoch != history {
            let sentence = format!(
                "{} was filled from history {}, and this is {}: it has to be filled again",
                serving.schema, serving.epoch.0, history.0
            );
            findings.add(Finding::new(Code::ModelsOfOtherHistory, sentence));
            {
                *self = Self::skipped("they belong to another history");
                return Ok(());
            };
        }
        if !ends.covers(&serving.cut) {
            for (partition, next) in serving
                .cut
                .iter()
                .filter(|(partition, next)| ends.next(*partition) < *next)
            {
                let end = ends.next(partition);
                let sentence = format!(
                    "{} covers everything below offset {next}, and the log ends at {end}",
                    serving.schema
                );
                findings.add(Finding::new(Code::ModelsAhead, sentence).at(partition, end));
            }
            {
                *self = Self::skipped("they cover more than the log has");
                return Ok(());
            };
        }
        let projectors = read_model::all();
        let ours = fingerprint::fingerprint(&projectors);
        if serving.fingerprint != ours {
            return Err(VerifyError::OtherProjectors {
                schema: serving.schema,
                theirs: serving.fingerprint,
                ours,
            });
        }
        let gaps = Gaps::of(connection, serving.id).await?;
        let options = ProjectorOptions::default();
        let beginning = self.beginning.insert(tokio::spawn(Refold::begin(
            pool.clone(),
            projectors,
            history,
            (serving.cut.clone(), gaps.clone()),
            options,
        )));
        let begun = beginning.await.map_err(|_| VerifyError::Interrupted)?;
        *self = Self {
            serving: Some(serving),
            gaps,
            refold: Some(begun.map_err(VerifyError::Fold)?),
            beginning: None,
            stopped: None,
            skipped: None,
        };
        Ok(())
    }

    /// Folds the next events of a partition, of which everything below `next` was read.
    pub(super) async fn take(
        &mut self,
        events: Vec<RecordedEvent>,
        partition: u32,
        next: u64,
    ) -> Result<(), VerifyError> {
        let Some(refold) = self.refold.as_mut().filter(|_| self.stopped.is_none()) else {
            return Ok(());
        };
        let cut = std::iter::once((partition, next)).collect();
        match refold.take(FollowBatch { events, cut }).await {
            Err(error @ (ProjectionError::Poison(_) | ProjectionError::CorruptSubject { .. })) => {
                self.stopped = Some(error);
                Ok(())
            }
            taken => taken.map_err(VerifyError::Fold),
        }
    }

    /// Compares every table, once the whole log was taken.
    pub(super) async fn compare(
        &mut self,
        snapshot: &mut PgConnection,
        findings: &mut Findings,
    ) -> Result<ReadModelsReport, VerifyError> {
        let mut report = ReadModelsReport {
            schema: self.serving.as_ref().map(|serving| serving.schema.clone()),
            skipped: self.skipped.take(),
            parked: self.gaps.standing(),
            discarded: self.gaps.given_up(),
            ..ReadModelsReport::default()
        };
        let (Some(serving), Some(refold)) = (&self.serving, &mut self.refold) else {
            return Ok(report);
        };
        if let Some(error) = &self.stopped {
            // What cannot be folded was mostly found where the log was checked.
            if findings.is_empty() {
                findings.add(cannot_fold(error));
            }
            report.skipped = Some(format!("the log cannot be folded: {error}"));
            return Ok(report);
        }
        if !refold.finish().await.map_err(VerifyError::Fold)? {
            report.skipped = Some("the log cannot be read as far as they go".to_owned());
            return Ok(report);
        }
        let compared = refold.compare(snapshot, &serving.schema, |table, difference| {
            findings.add(finding(table.name, &difference));
        });
        report.rows = compared.await.map_err(VerifyError::Fold)?;
        Ok(report)
    }

    /// Removes the second fold.
    pub(super) async fn close(&mut self) -> Result<(), VerifyError> {
        if let Some(beginning) = self.beginning.take()
            && let Ok(begun) = beginning.await
        {
            self.refold = Some(begun.map_err(VerifyError::Fold)?);
        }
        match self.refold.take() {
            Some(refold) => refold.drop_generation().await.map_err(VerifyError::Fold),
            None => Ok(()),
        }
    }
}

fn cannot_fold(error: &ProjectionError) -> Finding {
    let finding = Finding::new(Code::CannotFold, error.to_string());
    match error {
        ProjectionError::Poison(poison) => finding.on(poison.event.stream.as_str()).revision(poison.event.revision),
        _ => finding,
    }
}

fn finding(table: &str, difference: &RowDifference) -> Finding {
    let (code, sentence) = match (&difference.left, &difference.right) {
        (Some(served), Some(folded)) => (
            Code::ModelRowDiffers,
            format!("the table has {served}, the log says {folded}"),
        ),
        (Some(served), None) => (
            Code::ModelRowExtra,
            format!("the table has {served}, the log says nothing of it"),
        ),
        (None, folded) => (
            Code::ModelRowMissing,
            format!(
                "the table has no row, the log says {}",
                folded.as_deref().unwrap_or_default()
            ),
        ),
    };
    let mut finding = Finding::new(code, sentence);
    finding.place.table = Some(table.to_owned());
    finding.place.key = Some(difference.key.clone());
    finding
}
