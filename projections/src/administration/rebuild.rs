//! Asking for another generation of the same projectors.

use event_store::EventStore;
use sqlx::PgPool;

use super::{AdministrationError, listing};
use crate::fingerprint;
use crate::generation::{self, Kind};
use crate::projector::Projector;
use crate::transaction;

/// Makes an empty generation; the projectors of its fingerprint fill it. Returns its name. One at a time.
pub async fn rebuild(
    pool: &PgPool,
    store: &dyn EventStore,
    projectors: &[Box<dyn Projector>],
) -> Result<String, AdministrationError> {
    let ours = fingerprint::fingerprint(projectors);
    let mut transaction = transaction::begin(pool).await?;
    generation::lock_creation(&mut transaction).await?;
    let rows = listing::rows(&mut transaction).await?;
    let building = rows
        .into_iter()
        .find(|row| row.state == "building" && row.fingerprint == ours && row.epoch == store.epoch().0);
    if let Some(building) = building {
        return Err(AdministrationError::AlreadyBuilding {
            generation: building.schema_name,
        });
    }
    let partitions = (0..store.partitions()).collect();
    let (_, schema) =
        generation::insert(&mut transaction, projectors, store.epoch(), partitions, Kind::Rebuild).await?;
    transaction.commit().await?;
    Ok(schema)
}
