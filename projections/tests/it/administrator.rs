//! What an administrator does in a world, and what he waits for.

use std::time::Duration;

use projections::administration::{self, Acceptance, AdministrationError, GenerationRecord, Promotion};
use projections::{ProjectorOptions, read, read_model};

use crate::harness::{PATIENCE, Running, World, run};
use crate::history::{created, task};

/// Between two looks of somebody who waits.
const LOOK: Duration = Duration::from_millis(2);

/// Looks often, so that tests are fast.
pub(crate) fn options() -> ProjectorOptions {
    ProjectorOptions {
        generations_poll_ms: 10,
        lag_interval_ms: 10,
        ..ProjectorOptions::default()
    }
}

impl World {
    pub(crate) async fn rebuild(&self) -> Result<String, AdministrationError> {
        administration::rebuild(&self.pool, &*self.store, &read_model::all()).await
    }

    pub(crate) async fn promote(&self, generation: &str) -> Result<Promotion, AdministrationError> {
        administration::promote(&self.pool, &*self.store, generation).await
    }

    pub(crate) async fn promote_accepting(
        &self,
        generation: &str,
        acceptance: &Acceptance,
    ) -> Result<Promotion, AdministrationError> {
        administration::promote_accepting(&self.pool, &*self.store, generation, acceptance).await
    }

    pub(crate) async fn roll_back(&self) -> Result<Promotion, AdministrationError> {
        administration::roll_back(&self.pool, &*self.store).await
    }

    pub(crate) async fn retire(&self, generation: &str, grace: Duration) -> Result<(), AdministrationError> {
        administration::retire(&self.pool, generation, grace).await
    }

    pub(crate) async fn generations(&self) -> Vec<GenerationRecord> {
        administration::list(&self.pool, &*self.store).await.unwrap()
    }

    /// Waits until the list shows a generation in this way.
    pub(crate) async fn shows(&self, generation: &str, wanted: impl Fn(&GenerationRecord) -> bool) -> GenerationRecord {
        let shown = async {
            loop {
                let mut found = self.generations().await.into_iter();
                if let Some(found) = found.find(|found| found.generation == generation && wanted(found)) {
                    return found;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let shown = tokio::time::timeout(PATIENCE, shown).await.ok();
        match shown {
            Some(shown) => shown,
            None => panic!("{generation} is not so: {:?}", self.generations().await),
        }
    }

    /// Waits until a generation was built and is level.
    pub(crate) async fn complete(&self, generation: &str) {
        self.shows(generation, |record| record.state == "following" && record.behind == 0)
            .await;
    }

    /// Waits until a session of this database waits for another one.
    pub(crate) async fn somebody_waits_for_a_lock(&self) {
        let waits = async {
            loop {
                let waiting: i64 = sqlx::query_scalar(
                    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
                )
                .fetch_one(&self.pool)
                .await
                .unwrap();
                if waiting > 0 {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, waits).await.unwrap();
    }

    pub(crate) async fn serving_schema(&self) -> String {
        read::serving(&mut self.pool.acquire().await.unwrap())
            .await
            .unwrap()
            .schema
    }

    pub(crate) async fn assert_equal(&self, one: &str, other: &str) {
        assert_eq!(self.everything(one).await, self.everything(other).await);
    }
}

impl Running {
    /// Waits until the main projector follows this generation.
    pub(crate) async fn is_on(&self, generation: &str) {
        self.until(|progress| progress.schema.as_deref() == Some(generation))
            .await;
    }
}

pub(crate) async fn tasks(world: &World, numbers: std::ops::Range<u128>) {
    world.append(numbers.flat_map(|number| task(number, [created()]))).await;
}

/// A world in which a generation serves and is followed.
pub(crate) async fn followed() -> (World, Running) {
    let world = World::new().await;
    tasks(&world, 1..20).await;
    let running = run(world.service(options()));
    world.level(&running).await;
    (world, running)
}
