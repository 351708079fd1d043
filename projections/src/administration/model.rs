//! One read model, rebuilt alone: filled beside the generation that serves, it joins that one at exactly its checkpoint.
//!
//! It is a [generation](crate::generation) of one projector, with a fingerprint that no running process holds. So whoever asks for it fills it
//! ([`ModelRebuild`]): rows and checkpoint of a chunk commit together, and who is killed loses at most one. When it is promoted, the
//! serving generation is held where it is, the small one is brought to the very same cut, and both exchange the tables of the model
//! in one transaction ([`join`]). The tables that were exchanged stay where the new ones were, so going back is the same step.

use event_store::{Cut, EventStore};
use sqlx::{Connection as _, PgConnection, PgPool};

use super::AdministrationError;
use super::listing::{self, Row};
use crate::advisory_lock;
use crate::bounded_fold::BoundedFold;
use crate::checkpoint;
use crate::error::ProjectionError;
use crate::fingerprint::{self, ModelVersion};
use crate::generation::{self, Generation, Kind};
use crate::projector::Projector;
use crate::read::{self, ReadError};
use crate::read_model;
use crate::service::ProjectorOptions;
use crate::transaction;

mod join;

pub(super) use join::join;

/// A generation of one read model that this process fills.
pub struct ModelRebuild {
    pool: PgPool,
    fold: BoundedFold,
    /// Holds the lock that says that somebody fills it.
    session: PgConnection,
}

/// How far a [`ModelRebuild`] is.
pub struct ModelProgress<'a> {
    /// What is covered.
    pub reached: &'a Cut,
    /// Where the serving generation was at the last look.
    pub target: &'a Cut,
    /// How much of its time it works, in percent: less while queries or the serving generation suffer.
    pub share: u32,
    /// All is filled, and the indexes are made.
    pub makes_indexes: bool,
}

impl ModelRebuild {
    /// Goes on with the one that was begun, or makes an empty one. Refused while another process fills it.
    pub async fn begin(
        pool: PgPool,
        store: &dyn EventStore,
        model: &str,
        options: ProjectorOptions,
    ) -> Result<Self, AdministrationError> {
        let projectors = one(model)?;
        let mut transaction = transaction::begin(&pool).await?;
        generation::lock_creation(&mut transaction).await?;
        let serving = serving_row(&mut transaction).await?;
        holds_this_version(&serving, store)?;
        let fingerprint = fingerprint::fingerprint(&projectors);
        let begun = listing::rows(&mut transaction)
            .await?
            .into_iter()
            .find(|row| row.state == "building" && row.fingerprint == fingerprint && row.epoch == store.epoch().0);
        let (id, schema) = if let Some(begun) = begun {
            (begun.id, begun.schema_name)
        } else {
            let partitions = (0..store.partitions()).collect();
            let epoch = store.epoch();
            let made = generation::insert(&mut transaction, &projectors, epoch, partitions, Kind::Rebuild).await?;
            sqlx::query("update control.generation set model = $2 where id = $1")
                .bind(made.0)
                .bind(model)
                .execute(&mut *transaction)
                .await?;
            made
        };
        transaction.commit().await?;
        let generation = Generation {
            id,
            schema,
            fingerprint,
            epoch: store.epoch(),
        };
        Self::take(pool, generation, projectors, &options).await
    }

    /// Takes the lock; whoever had it before is gone, and its checkpoint is where it stopped.
    async fn take(
        pool: PgPool,
        generation: Generation,
        projectors: Vec<Box<dyn Projector>>,
        options: &ProjectorOptions,
    ) -> Result<Self, AdministrationError> {
        let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
        if !advisory_lock::FILLER.try_hold(&mut session, generation.id).await? {
            return Err(AdministrationError::AlreadyBuilding {
                generation: generation.schema,
            });
        }
        let reached = checkpoint::read(&mut session, generation.id).await?;
        Ok(Self {
            fold: BoundedFold::new(
                pool.clone(),
                projectors,
                generation,
                (reached.clone(), reached),
                options.for_building(),
            ),
            pool,
            session,
        })
    }

    /// Its name.
    pub fn generation(&self) -> &str {
        &self.fold.generation().schema
    }

    /// Fills it until it is nearly where the serving generation is, and makes its indexes. Dropping the future at any moment loses at most
    /// one chunk.
    pub async fn run(
        &mut self,
        store: &dyn EventStore,
        mut passed: impl FnMut(ModelProgress<'_>) + Send,
    ) -> Result<(), AdministrationError> {
        let mut target = self.serving_cut().await?;
        loop {
            self.fill_to(store, &target, |reached, share| {
                passed(ModelProgress {
                    reached,
                    target: &target,
                    share,
                    makes_indexes: false,
                });
            })
            .await?;
            let further = self.serving_cut().await?;
            if store.behind(&further, self.fold.reached()) <= self.fold.chunk() {
                break;
            }
            target = further;
        }
        passed(ModelProgress {
            reached: self.fold.reached(),
            target: &target,
            share: self.fold.share(),
            makes_indexes: true,
        });
        let generation = self.fold.generation();
        generation::create_indexes(&self.pool, generation, self.fold.projectors()).await?;
        // So that the first queries after it has joined are planned as the last before.
        for table in self.fold.projectors().iter().flat_map(|projector| projector.tables()) {
            let sql = format!("analyze {}.\"{}\"", generation.schema, table.name);
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&self.pool).await?;
        }
        generation::reached_level(&self.pool, generation).await?;
        Ok(())
    }

    /// Folds and writes the log up to a cut, exactly.
    async fn fill_to(
        &mut self,
        store: &dyn EventStore,
        target: &Cut,
        passed: impl FnMut(&Cut, u32) + Send,
    ) -> Result<(), ProjectionError> {
        self.fold.aim_at(target.clone());
        self.fold.run(store, Ok::<_, ProjectionError>, passed).await?;
        self.fold.finish().await?;
        Ok(())
    }

    /// Lets another process go on with it, from the moment at which this returns: the server ends a session some time after it was closed.
    pub async fn close(mut self) -> Result<(), AdministrationError> {
        let id = self.fold.generation().id;
        advisory_lock::FILLER.release(&mut self.session, id).await?;
        Ok(self.session.close().await?)
    }

    async fn serving_cut(&self) -> Result<Cut, AdministrationError> {
        let mut connection = self.pool.acquire().await?;
        Ok(read::serving(&mut connection).await?.cut)
    }
}

/// The projector of a read model of this version.
fn one(model: &str) -> Result<Vec<Box<dyn Projector>>, AdministrationError> {
    let projectors = read_model::all();
    let known: Vec<&str> = projectors.iter().map(|projector| projector.name()).collect();
    let known = known.join(", ");
    let found = projectors.into_iter().find(|projector| projector.name() == model);
    found
        .map(|found| vec![found])
        .ok_or_else(|| AdministrationError::UnknownModel {
            model: model.to_owned(),
            known,
        })
}

/// Those of a version that a generation was made of: its fingerprint tells whether they fold as it was filled.
pub fn of_generation(models: &[ModelVersion], all: Vec<Box<dyn Projector>>) -> Vec<Box<dyn Projector>> {
    all.into_iter()
        .filter(|projector| models.iter().any(|model| model.name == projector.name()))
        .collect()
}

pub(super) async fn serving_row(connection: &mut PgConnection) -> Result<Row, AdministrationError> {
    let serving: Option<i32> = sqlx::query_scalar("select generation from control.serving")
        .fetch_optional(&mut *connection)
        .await?;
    let rows = listing::rows(connection).await?;
    let found = rows.into_iter().find(|row| Some(row.id) == serving);
    found.ok_or(AdministrationError::NothingServes)
}

/// Only what this version would have filled itself can be exchanged for what this version fills.
fn holds_this_version(serving: &Row, store: &dyn EventStore) -> Result<(), AdministrationError> {
    if serving.epoch != store.epoch().0 {
        return Err(AdministrationError::OtherHistory {
            generation: serving.schema_name.clone(),
        });
    }
    let ours = fingerprint::fingerprint(&read_model::all());
    if serving.fingerprint != ours {
        return Err(AdministrationError::OtherProjectors {
            generation: serving.schema_name.clone(),
            theirs: serving.fingerprint.clone(),
            ours,
        });
    }
    Ok(())
}

impl From<ReadError> for AdministrationError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NothingServes => Self::NothingServes,
            ReadError::Unknown { name } => Self::Unknown { generation: name },
            ReadError::Building { name } => Self::Building { generation: name },
            ReadError::Database(error) => Self::Projection(ProjectionError::from(error)),
        }
    }
}
