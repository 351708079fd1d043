//! Which generation serves: one row, flipped when the new one shows everything that the old one shows.

use std::time::Duration;

use event_store::EventStore;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;

use super::AdministrationError;
use super::acceptance::Acceptance;
use super::listing::{self, Row, lock_serving};
use super::model;
use crate::checkpoint;
use crate::transaction;

/// How long the projector of the old generation is held while the new one catches up with it. Longer than a batch takes.
const HOLD: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A flip that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Promotion {
    /// What serves now.
    pub serving: String,
    /// What served before; it is kept level, so that going back is as fast.
    pub before: String,
    /// When one read model joined: its name. Then `before` holds the tables that it had until now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// For how long no query could see the row change, in milliseconds: the time that the old generation was held.
    pub held_ms: u64,
}

/// Lets a generation serve. Queries under way end on the old one.
///
/// The old generation is held where it is, for milliseconds, and the flip is done only if the new one covers at least as much in every
/// partition: no client sees less than before. What other projectors filled, or what has parked streams, needs
/// [`promote_accepting`].
pub async fn promote(
    pool: &PgPool,
    store: &dyn EventStore,
    generation: &str,
) -> Result<Promotion, AdministrationError> {
    promote_accepting(pool, store, generation, &Acceptance::default()).await
}

/// The same, although it shows other rows than what serves, as an administrator has seen and wants.
pub async fn promote_accepting(
    pool: &PgPool,
    store: &dyn EventStore,
    generation: &str,
    acceptance: &Acceptance,
) -> Result<Promotion, AdministrationError> {
    let mut transaction = transaction::begin(pool).await?;
    let serving = lock_serving(&mut transaction)
        .await?
        .ok_or(AdministrationError::NothingServes)?;
    let new = listing::find(&mut transaction, generation).await?;
    if new.is_travel() {
        return Err(AdministrationError::Disposable {
            generation: new.schema_name,
        });
    }
    if new.model.is_some() {
        transaction.rollback().await?;
        return Box::pin(model::join(pool, store, new)).await;
    }
    let promotion = flip(&mut transaction, store, serving, new, Some(acceptance)).await?;
    transaction.commit().await?;
    Ok(promotion)
}

/// Lets the generation serve that served before this one; the same flip under the same conditions.
pub async fn roll_back(pool: &PgPool, store: &dyn EventStore) -> Result<Promotion, AdministrationError> {
    let mut transaction = transaction::begin(pool).await?;
    let serving = lock_serving(&mut transaction)
        .await?
        .ok_or(AdministrationError::NothingServes)?;
    let rows = listing::rows(&mut transaction).await?;
    let before = rows
        .into_iter()
        .filter(|row| row.id != serving && row.served_until.is_some())
        .max_by_key(|row| row.served_until)
        .ok_or(AdministrationError::NothingBefore)?;
    if before.model.is_some() {
        transaction.rollback().await?;
        return Box::pin(model::join(pool, store, before)).await;
    }
    // It has served: what it shows needs no acceptance.
    let promotion = flip(&mut transaction, store, serving, before, None).await?;
    transaction.commit().await?;
    Ok(promotion)
}

async fn flip(
    connection: &mut PgConnection,
    store: &dyn EventStore,
    serving: i32,
    new: Row,
    acceptance: Option<&Acceptance>,
) -> Result<Promotion, AdministrationError> {
    let rows = listing::rows(connection).await?;
    let old = rows.into_iter().find(|row| row.id == serving);
    let old = old.ok_or(AdministrationError::NothingServes)?;
    if old.id == new.id {
        return Err(AdministrationError::Serves {
            generation: new.schema_name,
        });
    }
    if new.epoch != store.epoch().0 {
        return Err(AdministrationError::OtherHistory {
            generation: new.schema_name,
        });
    }
    if new.state == "building" {
        return Err(AdministrationError::Building {
            generation: new.schema_name,
        });
    }
    if let Some(acceptance) = acceptance {
        acceptance.covers(connection, &old, &new).await?;
    }
    // Its projector waits for these rows with its next transaction.
    sqlx::query("select from control.checkpoint where generation = $1 order by partition for update")
        .bind(old.id)
        .execute(&mut *connection)
        .await?;
    let held = Instant::now();
    // What was filled from a history that is not this one any more cannot be compared with anything.
    if old.epoch == new.epoch {
        wait_until_level(connection, store, &old, &new).await?;
    }
    sqlx::query("update control.serving set generation = $1")
        .bind(new.id)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "update control.generation set \
            state = case id when $1 then 'serving' else 'following' end, \
            served_from = case id when $1 then now() else served_from end, \
            served_until = case id when $1 then null else now() end \
         where id in ($1, $2)",
    )
    .bind(new.id)
    .bind(old.id)
    .execute(&mut *connection)
    .await?;
    Ok(Promotion {
        serving: new.schema_name,
        before: old.schema_name,
        model: None,
        held_ms: u64::try_from(held.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

/// Waits a moment until the new generation covers what the old one shows, which is held.
async fn wait_until_level(
    connection: &mut PgConnection,
    store: &dyn EventStore,
    old: &Row,
    new: &Row,
) -> Result<(), AdministrationError> {
    let held = Instant::now();
    let shown = checkpoint::read(connection, old.id).await?;
    loop {
        let covered = checkpoint::read(connection, new.id).await?;
        if covered.covers(&shown) {
            return Ok(());
        }
        if held.elapsed() >= HOLD {
            return Err(AdministrationError::NotLevel {
                generation: new.schema_name.clone(),
                behind: store.behind(&shown, &covered),
                serving: old.schema_name.clone(),
                fingerprint: new.fingerprint.clone(),
            });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
