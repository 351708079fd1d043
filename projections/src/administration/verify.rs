//! Is a generation what the log says? It is held against a second fold of its own fingerprint, at exactly the cut that one snapshot shows.
//!
//! What other projectors filled than what serves cannot be equal to it. For that the second fold goes on to the cut at which the serving
//! generation was in the same snapshot, and what differs there is shown under a name by which it can be accepted.
//!
//! The second fold takes the log in other pieces, and the partitions of a piece in the opposite order: a projector that depends on either
//! is found out, as is one that depends on a clock.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use event_store::{Cut, EventStore, FollowBatch};
use serde::Serialize;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tokio::time::Instant;

use super::{AdministrationError, HeldGeneration, acceptance, hold, model};
use crate::batch;
use crate::checkpoint;
use crate::comparison::diff::{DiffScope, DiffSide, GenerationDiff};
use crate::comparison::parting::{Parting, PartingSearch};
use crate::comparison::{self, RowDifference, Side, TEXT_SETTINGS, TableShape};
use crate::error::ProjectionError;
use crate::fingerprint;
use crate::gaps::Gaps;
use crate::projector::Projector;
use crate::read::BEGIN_SNAPSHOT;
use crate::refold::Refold;
use crate::service::ProjectorOptions;
use crate::table::TableDefinition;
use crate::transaction;

/// Not what a projector takes, nor a divisor of it.
const SECOND_BATCH_EVENTS: usize = 977;
/// So long the generation is held until what serves covers as much.
const HOLD: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What was compared, and what is not equal.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// The generation.
    pub generation: String,
    /// Is every row as the log says?
    pub equal: bool,
    /// Streams of the generation that stand still before an event that cannot be projected; they were compared as far as they go.
    pub parked: u64,
    /// Events that an administrator gave up; the rows were compared with the log without them.
    pub discarded: u64,
    /// The cut at which both were held.
    pub cut: Cut,
    /// Rows of the generation, by table.
    pub rows: BTreeMap<String, u64>,
    /// Rows that differ.
    pub different: u64,
    /// Ranges of keys in tables that differ, and how many of them had to be read row by row.
    pub ranges: u64,
    /// See `ranges`.
    pub unequal_ranges: u64,
    /// The first differences.
    pub differences: Vec<Difference>,
    /// What changes for clients when it serves; none when the same projectors filled what serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against_serving: Option<AgainstServing>,
}

/// A row that is not as the log says.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// Its key, as a JSON array.
    pub key: String,
    /// The row of the generation; none when it has none.
    pub generation: Option<String>,
    /// What the log says; none when it says nothing of it.
    pub log: Option<String>,
    /// From which event on.
    pub parting: Parting,
}

/// What a generation of other projectors shows otherwise than what serves.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase", tag = "compared")]
pub enum AgainstServing {
    /// Both at one cut.
    #[serde(rename = "yes")]
    Shown {
        /// By what it is accepted.
        name: String,
        /// Left: what serves. Right: the second fold of the generation's projectors.
        diff: Box<GenerationDiff>,
    },
    /// They could not be held at one cut.
    #[serde(rename = "no")]
    NotComparable {
        /// Why.
        reason: String,
    },
}

/// One verification under way. [`Self::close`] removes the second fold, however [`Self::run`] ended.
pub struct Verification {
    pool: PgPool,
    generation: String,
    held: HeldGeneration,
    /// What serves and where it is, when other projectors filled it.
    serving: Result<Option<(DiffSide, i32)>, String>,
    snapshot: Transaction<'static, Postgres>,
    projectors: Vec<Box<dyn Projector>>,
    second: Refold,
    /// Of the generation: the second fold has them too.
    gaps: Gaps,
}

impl Verification {
    /// Takes the snapshot and makes the generation of the second fold; `all` are the projectors of this version.
    pub async fn begin(
        pool: &PgPool,
        store: &dyn EventStore,
        generation: &str,
        all: impl Fn() -> Vec<Box<dyn Projector>>,
    ) -> Result<Self, AdministrationError> {
        // A hold that is given up when it is dropped: until the snapshot is taken, the generation does not move.
        let mut holding = transaction::begin(pool).await?;
        let serving = at_least_as_far(&mut holding, pool, store, generation).await?;
        let mut snapshot = transaction::begin_with(pool, BEGIN_SNAPSHOT).await?;
        sqlx::raw_sql(TEXT_SETTINGS).execute(&mut *snapshot).await?;
        let held = hold(&mut snapshot, generation).await?;
        let serving = match serving {
            Ok(Some(name)) => {
                let there = hold(&mut snapshot, &name).await?;
                let id = there.id;
                Ok(Some((side(name, there), id)))
            }
            Ok(None) => Ok(None),
            Err(reason) => Err(reason),
        };
        holding.rollback().await?;
        let gaps = Gaps::of(&mut snapshot, held.id).await?;
        let projectors = model::of_generation(&held.models, all());
        let ours = fingerprint::fingerprint(&projectors);
        if held.fingerprint != ours {
            return Err(AdministrationError::OtherProjectors {
                generation: generation.to_owned(),
                theirs: held.fingerprint,
                ours,
            });
        }
        if held.epoch != store.epoch() {
            return Err(AdministrationError::OtherHistory {
                generation: generation.to_owned(),
            });
        }
        let mut target = held.cut.clone();
        if let Ok(Some((side, _))) = &serving {
            target.merge(&side.cut);
        }
        let options = ProjectorOptions {
            batch_events: SECOND_BATCH_EVENTS,
            ..ProjectorOptions::default()
        };
        let second = Refold::begin(
            pool.clone(),
            model::of_generation(&held.models, all()),
            held.epoch,
            (target, gaps.clone()),
            options,
        )
        .await?;
        Ok(Self {
            pool: pool.clone(),
            generation: generation.to_owned(),
            held,
            serving,
            snapshot,
            projectors,
            second,
            gaps,
        })
    }

    /// Folds and compares. At most `limit` differences, of a table or of all, are kept; all are counted. `passed` is told of each step, and how much of
    /// how much is done.
    pub async fn run(
        &mut self,
        store: &dyn EventStore,
        limit: usize,
        mut passed: impl FnMut(&'static str, u64, u64) + Send,
    ) -> Result<VerifyReport, AdministrationError> {
        let cut = self.held.cut.clone();
        let mut report = VerifyReport {
            generation: self.generation.clone(),
            equal: true,
            parked: self.gaps.standing(),
            discarded: self.gaps.given_up(),
            cut: cut.clone(),
            rows: BTreeMap::new(),
            different: 0,
            ranges: 0,
            unequal_ranges: 0,
            differences: Vec::new(),
            against_serving: None,
        };
        fold(&mut self.second, store, (&Cut::start(), &cut), |done, total| {
            passed("folding the log again", done, total);
        })
        .await?;
        let total = store.behind(&cut, &Cut::start());
        passed("comparing", total, total);
        let found = self.compare(&mut report, limit).await?;
        report.equal = report.different == 0;
        for (table, difference) in found {
            passed("finding the events", total, total);
            let parting = self.parting(store, table, &difference).await?;
            report.differences.push(Difference {
                table: table.name,
                key: difference.key,
                generation: difference.left,
                log: difference.right,
                parting,
            });
        }
        report.against_serving = match self.serving.clone() {
            Ok(None) => None,
            Err(reason) => Some(AgainstServing::NotComparable { reason }),
            Ok(Some((serving, id))) => {
                fold(&mut self.second, store, (&cut, &serving.cut), |done, total| {
                    passed("folding on to what serves", done, total);
                })
                .await?;
                passed("comparing with what serves", total, total);
                Some(self.against(serving, id, limit).await?)
            }
        };
        Ok(report)
    }

    /// Removes the second fold.
    pub async fn close(self) -> Result<(), AdministrationError> {
        self.snapshot.rollback().await?;
        Ok(self.second.drop_generation().await?)
    }

    async fn compare(
        &mut self,
        report: &mut VerifyReport,
        limit: usize,
    ) -> Result<Vec<(&'static TableDefinition, RowDifference)>, AdministrationError> {
        let mut own = second_snapshot(&self.pool).await?;
        let mut left = Side {
            connection: &mut self.snapshot,
            schema: &self.held.schema,
        };
        let mut right = Side {
            connection: &mut own,
            schema: self.second.schema(),
        };
        let mut found = Vec::new();
        for table in comparison::tables(&self.projectors) {
            let shape = TableShape::of(table);
            let different = &mut report.different;
            let compared = comparison::compare_table(&shape, &mut left, &mut right, |difference| {
                *different += 1;
                if found.len() < limit {
                    found.push((table, difference));
                }
            })
            .await?;
            report.ranges += compared.ranges;
            report.unequal_ranges += compared.unequal_ranges;
            report.rows.insert(table.name.to_owned(), compared.left_rows);
        }
        own.rollback().await?;
        Ok(found)
    }

    async fn parting(
        &self,
        store: &dyn EventStore,
        table: &'static TableDefinition,
        difference: &RowDifference,
    ) -> Result<Parting, AdministrationError> {
        let search = PartingSearch {
            store,
            cut: &self.held.cut,
            projectors: &self.projectors,
            schema: self.second.schema(),
            gaps: &self.gaps,
        };
        let mut connection = self.pool.acquire().await?;
        Ok(search.find(&mut connection, table, difference).await?)
    }

    async fn against(
        &mut self,
        serving: DiffSide,
        serving_id: i32,
        samples: usize,
    ) -> Result<AgainstServing, AdministrationError> {
        let mut own = second_snapshot(&self.pool).await?;
        // What serves is named by its schema.
        let schema = serving.generation.clone();
        let ours = DiffSide {
            cut: serving.cut.clone(),
            ..side(self.generation.clone(), self.held.clone())
        };
        let mut left = Side {
            connection: &mut self.snapshot,
            schema: &schema,
        };
        let mut right = Side {
            connection: &mut own,
            schema: self.second.schema(),
        };
        let scope = DiffScope {
            tables: Vec::new(),
            samples,
        };
        let diff = GenerationDiff::between((serving, &mut left), (ours, &mut right), &scope, |_| {}).await?;
        own.rollback().await?;
        let mut connection = self.pool.acquire().await?;
        let name = acceptance::remember(&mut connection, serving_id, self.held.id, &diff).await?;
        Ok(AgainstServing::Shown {
            name,
            diff: Box::new(diff),
        })
    }
}

fn side(generation: String, held: HeldGeneration) -> DiffSide {
    DiffSide {
        generation,
        fingerprint: held.fingerprint,
        models: held.models,
        cut: held.cut,
    }
}

/// Of the second fold, which is newer than the first snapshot.
async fn second_snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut own = transaction::begin_with(pool, "begin isolation level repeatable read read only").await?;
    sqlx::raw_sql(TEXT_SETTINGS).execute(&mut *own).await?;
    Ok(own)
}

/// Holds the generation where it is until what serves, filled by other projectors, covers as much: only then the second fold can come by both
/// cuts. The name of what serves; none when it need not be compared; or why it cannot be.
async fn at_least_as_far(
    holding: &mut PgConnection,
    pool: &PgPool,
    store: &dyn EventStore,
    generation: &str,
) -> Result<Result<Option<String>, String>, AdministrationError> {
    let ours = hold(holding, generation).await?;
    let Ok(serving) = model::serving_row(holding).await else {
        return Ok(Ok(None));
    };
    let (id, name) = (serving.id, serving.schema_name);
    // One model alone joins what the same projectors filled.
    let alone =
        ours.models.len() < serving.models.0.len() && ours.models.iter().all(|ours| serving.models.0.contains(ours));
    let same = serving.fingerprint == ours.fingerprint && Gaps::of(holding, ours.id).await?.standing() == 0;
    if id == ours.id || same || alone {
        return Ok(Ok(None));
    }
    if serving.epoch != store.epoch().0 {
        return Ok(Err(format!("{name} was filled from another history of the log")));
    }
    sqlx::query("select from control.checkpoint where generation = $1 order by partition for update")
        .bind(ours.id)
        .execute(&mut *holding)
        .await?;
    let cut = checkpoint::read(holding, ours.id).await?;
    let begun = Instant::now();
    loop {
        let there = checkpoint::read(&mut *pool.acquire().await?, id).await?;
        if there.covers(&cut) {
            return Ok(Ok(Some(name)));
        }
        if begun.elapsed() >= HOLD {
            return Ok(Err(format!(
                "{name} is {} records behind {generation}; try again when it is level",
                store.behind(&cut, &there)
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Folds what lies between two cuts.
async fn fold(
    second: &mut Refold,
    store: &dyn EventStore,
    (from, to): (&Cut, &Cut),
    mut passed: impl FnMut(u64, u64) + Send,
) -> Result<(), ProjectionError> {
    let total = store.behind(to, from);
    let mut read = from.clone();
    if !read.covers(to) {
        let mut follow = store.follow(read.clone()).await?;
        while !read.covers(to) {
            let batch = turned_round(follow.next().await?, to);
            read.merge(&batch.cut);
            second.take(batch).await?;
            passed(total.saturating_sub(store.behind(to, &read)), total);
        }
    }
    second.finish().await?;
    Ok(())
}

/// What lies below the cut, the last partition first.
fn turned_round(mut batch: FollowBatch, to: &Cut) -> FollowBatch {
    batch::trim(&mut batch, to);
    batch.events.sort_by_key(|event| Reverse(event.at.partition));
    batch
}
