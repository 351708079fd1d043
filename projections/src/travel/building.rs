//! Makes the generation of a journey and brings it to its cut.

use std::time::Duration;

use event_store::{Cut, EventStore, FollowBatch, LogEpoch};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use super::copy::{self, Source};
use super::error::TravelError;
use super::fitting::Fitting;
use super::standing::{self, Same, Travel};
use super::variant::{Tally, Variant};
use super::{Branch, Journey, LONGEST_LIFE, MOST_TRAVELS};
use crate::advisory_lock;
use crate::bounded_fold::BoundedFold;
use crate::checkpoint;
use crate::comparison;
use crate::error::ProjectionError;
use crate::fingerprint;
use crate::gaps::Gaps;
use crate::generation::{self, Generation, Kind};
use crate::leftovers;
use crate::projector::Projector;
use crate::read::BEGIN_COPY;
use crate::read_model;
use crate::service::ProjectorOptions;
use crate::transaction;

/// What came of a wish.
pub enum Begun {
    /// The same one stands already; its life was made longer.
    Standing(Box<Travel>),
    /// It is to be brought to its cut.
    Building(Box<Building>),
}

/// A generation on its way to the cut of a journey. When it is dropped on the way, an as-of can be gone on with by the same journey, and a
/// branch is removed by whoever looks next.
pub struct Building {
    pool: PgPool,
    fold: BoundedFold,
    /// Holds the lock that says that this builder lives.
    session: PgConnection,
    lifetime: Duration,
    variant: Option<Variant>,
    tally: Tally,
    /// What it began with.
    from: Cut,
    copied: Option<String>,
    /// It stood already, at an earlier cut.
    moved: bool,
}

/// Finds the generation of a journey, or makes one: from a copy of the nearest saved one where there is one, else empty.
pub async fn begin(
    pool: &PgPool,
    epoch: LogEpoch,
    projectors: Vec<Box<dyn Projector>>,
    journey: Journey,
    options: &ProjectorOptions,
) -> Result<Begun, TravelError> {
    let Journey {
        target,
        lifetime,
        branch,
        extends,
    } = journey;
    if lifetime > LONGEST_LIFE {
        return Err(TravelError::TooLong { longest: LONGEST_LIFE });
    }
    if let Some(Branch { name, .. }) = branch.as_ref().filter(|branch| !Branch::is_name(&branch.name)) {
        return Err(TravelError::NameInvalid { name: name.clone() });
    }
    leftovers::drop_leftovers(pool).await?;
    let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
    let fingerprint = fingerprint::fingerprint(&projectors);
    let mut moved = false;
    let (generation, from, copied) = match &branch {
        Some(branch) => {
            let generation = create_branch(pool, &mut session, &projectors, epoch, &target, branch).await?;
            (generation, Cut::start(), None)
        }
        None => match standing::same(&mut session, &fingerprint, epoch, &target).await? {
            Some(same) if same.complete && standing::prolong(&mut session, same.id, lifetime).await? => {
                let standing = standing::find(&mut session, &same.schema_name).await?;
                session.close().await?;
                return standing
                    .map(|travel| Begun::Standing(Box::new(travel)))
                    .ok_or(TravelError::BeingBuilt {
                        generation: same.schema_name,
                    });
            }
            Some(same) if !same.complete => {
                let (generation, from) = go_on(&mut session, same, fingerprint, epoch).await?;
                (generation, from, None)
            }
            _ if extends
                && let Some(nearest) = standing::before(&mut session, &fingerprint, epoch, &target).await? =>
            {
                moved = true;
                let (generation, from) = move_on(&mut session, nearest, &target, (fingerprint, epoch)).await?;
                (generation, from, None)
            }
            _ => {
                let (generation, source) = create_as_of(pool, &mut session, &projectors, epoch, &target).await?;
                let from = source.as_ref().map_or_else(Cut::start, |source| source.cut.clone());
                (generation, from, source.map(|source| source.schema))
            }
        },
    };
    let options = ProjectorOptions {
        batch_events: options.rebuild_batch_events.max(1),
        ..options.clone()
    };
    let gaps = Gaps::of(&mut session, generation.id).await?;
    let fold = BoundedFold::new(pool.clone(), projectors, generation, (from.clone(), target), options);
    let variant = branch.map(|branch| branch.variant);
    Ok(Begun::Building(Box::new(Building {
        pool: pool.clone(),
        fold: if variant.is_some() {
            // It counts what it reads, and cannot read anything again.
            fold.fitting(Fitting::default())
        } else {
            fold.parking(gaps)
        },
        session,
        lifetime,
        variant,
        tally: Tally::default(),
        from,
        copied,
        moved,
    })))
}

impl Building {
    /// The schema of its tables.
    pub fn generation(&self) -> &str {
        &self.fold.generation().schema
    }

    /// Where it began: at the first event, or where the copy was or an earlier attempt had come.
    pub fn from(&self) -> &Cut {
        &self.from
    }

    /// Which generation was copied.
    pub fn copied(&self) -> Option<&str> {
        self.copied.as_deref()
    }

    /// Did it stand already, at an earlier cut?
    pub fn moved(&self) -> bool {
        self.moved
    }

    /// Where it ends.
    pub fn target(&self) -> &Cut {
        self.fold.target()
    }

    /// Folds the log up to the cut; `passed` hears how far it was read, and how much of its time this works, in percent: less while queries or
    /// the serving generation suffer. Dropping the future loses at most one transaction.
    pub async fn fold(
        &mut self,
        store: &dyn EventStore,
        passed: impl FnMut(&Cut, u32) + Send,
    ) -> Result<(), TravelError> {
        let (variant, tally) = (&self.variant, &mut self.tally);
        let prepare = |mut batch: FollowBatch| {
            if let Some(variant) = variant {
                batch.events = variant.apply(batch.events, tally)?;
            }
            Ok::<_, TravelError>(batch)
        };
        self.fold.run(store, prepare, passed).await?;
        if self.fold.finish().await? {
            return Ok(());
        }
        // The log was read up to the cut, so this is a fault of ours, and better told than shown.
        Err(ProjectionError::CheckpointMoved {
            generation: self.generation().to_owned(),
        }
        .into())
    }

    /// Makes the indexes, and lets it be asked from now on.
    pub async fn complete(mut self) -> Result<Travel, TravelError> {
        generation::create_indexes(&self.pool, self.fold.generation(), self.fold.projectors()).await?;
        let (id, schema) = (self.fold.generation().id, self.fold.generation().schema.clone());
        // What was moved is known to the planner already.
        if !self.moved {
            let tables = comparison::tables(self.fold.projectors());
            let analyze: Vec<String> = tables
                .iter()
                .map(|table| format!("analyze {schema}.\"{}\"", table.name))
                .collect();
            let analyze = analyze.join("; ");
            // Nobody else will: such a table is asked at once, and dropped before the database gets to it.
            sqlx::raw_sql(AssertSqlSafe(analyze)).execute(&mut self.session).await?;
        }
        let mut tally = self.tally;
        if let Some(fitted) = self.fold.fitted() {
            tally.left_out = fitted.misfits().clone();
        }
        let tally = self.variant.is_some().then_some(&tally);
        standing::complete(&mut self.session, id, self.lifetime, tally).await?;
        let travel = standing::find(&mut self.session, &schema).await?;
        advisory_lock::BUILDER.release(&mut self.session, id).await?;
        self.session.close().await?;
        travel.ok_or(TravelError::BeingBuilt { generation: schema })
    }

    /// Removes it.
    pub async fn abandon(mut self) -> Result<(), TravelError> {
        self.fold.rest();
        leftovers::remove(&mut self.session, self.fold.generation().id).await?;
        self.session.close().await.map_err(ProjectionError::from)?;
        Ok(())
    }
}

/// The read models of these names; all where none is named.
pub fn models(names: &[String]) -> Result<Vec<Box<dyn Projector>>, TravelError> {
    let all = read_model::all();
    let known: Vec<&'static str> = all.iter().map(|projector| projector.name()).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(TravelError::UnknownModel {
            name: name.clone(),
            known,
        });
    }
    Ok(all
        .into_iter()
        .filter(|projector| names.is_empty() || names.iter().any(|name| name == projector.name()))
        .collect())
}

async fn create_as_of(
    pool: &PgPool,
    session: &mut PgConnection,
    projectors: &[Box<dyn Projector>],
    epoch: LogEpoch,
    target: &Cut,
) -> Result<(Generation, Option<Source>), TravelError> {
    let fingerprint = fingerprint::fingerprint(projectors);
    // Each model writes its own tables, so those of a generation of all of them are the same.
    let fingerprints = [fingerprint.clone(), fingerprint::fingerprint(&read_model::all())];
    let mut transaction = transaction::begin_with(pool, BEGIN_COPY).await?;
    let source = copy::nearest(&mut transaction, &fingerprints, epoch, target).await?;
    let (id, schema) = make(&mut transaction, session, projectors, epoch, target, Kind::AsOf).await?;
    standing::insert(&mut transaction, id, &schema, target, None).await?;
    if let Some(source) = &source {
        copy::copy(&mut transaction, source, (id, &schema), projectors).await?;
    }
    transaction.commit().await?;
    let generation = Generation {
        id,
        schema,
        fingerprint,
        epoch,
    };
    Ok((generation, source))
}

async fn create_branch(
    pool: &PgPool,
    session: &mut PgConnection,
    projectors: &[Box<dyn Projector>],
    epoch: LogEpoch,
    target: &Cut,
    branch: &Branch,
) -> Result<Generation, TravelError> {
    let mut transaction = transaction::begin(pool).await?;
    let taken = standing::find(&mut transaction, &branch.name).await?;
    if taken.is_some() {
        return Err(TravelError::NameTaken {
            name: branch.name.clone(),
        });
    }
    let (id, schema) = make(&mut transaction, session, projectors, epoch, target, Kind::Branch).await?;
    standing::insert(&mut transaction, id, &branch.name, target, Some(&branch.variant)).await?;
    transaction.commit().await?;
    Ok(Generation {
        id,
        schema,
        fingerprint: fingerprint::fingerprint(projectors),
        epoch,
    })
}

/// The generation, held by the session before anybody can see it.
async fn make(
    connection: &mut PgConnection,
    session: &mut PgConnection,
    projectors: &[Box<dyn Projector>],
    epoch: LogEpoch,
    target: &Cut,
    kind: Kind,
) -> Result<(i32, String), TravelError> {
    if standing::count(connection).await? >= MOST_TRAVELS {
        return Err(TravelError::TooMany { limit: MOST_TRAVELS });
    }
    let partitions = target.iter().map(|(partition, _)| partition).collect();
    let (id, schema) = generation::insert(connection, projectors, epoch, partitions, kind).await?;
    advisory_lock::BUILDER.hold(session, id).await?;
    Ok((id, schema))
}

/// Takes an as-of that stands, so that it can go on to another cut. Nobody can ask it until it is there.
async fn move_on(
    session: &mut PgConnection,
    nearest: Same,
    target: &Cut,
    (fingerprint, epoch): (String, LogEpoch),
) -> Result<(Generation, Cut), TravelError> {
    let (id, schema) = (nearest.id, nearest.schema_name.clone());
    let taken = go_on(session, nearest, fingerprint, epoch).await?;
    if standing::aim_at(session, id, target).await? {
        Ok(taken)
    } else {
        // Its time was over just now.
        Err(TravelError::BeingBuilt { generation: schema })
    }
}

/// What an earlier attempt has left, unless it is still at it.
async fn go_on(
    session: &mut PgConnection,
    same: Same,
    fingerprint: String,
    epoch: LogEpoch,
) -> Result<(Generation, Cut), TravelError> {
    let (id, schema) = (same.id, same.schema_name);
    if !advisory_lock::BUILDER.try_hold(session, id).await? {
        return Err(TravelError::BeingBuilt { generation: schema });
    }
    // A transaction of a builder that was killed may still be about to commit.
    sqlx::query("select from control.checkpoint where generation = $1 order by partition for update")
        .bind(id)
        .execute(&mut *session)
        .await?;
    let reached = checkpoint::read(session, id).await?;
    let generation = Generation {
        id,
        schema,
        fingerprint,
        epoch,
    };
    Ok((generation, reached))
}
