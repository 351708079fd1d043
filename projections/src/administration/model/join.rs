//! The tables of one model are exchanged between two generations.
//!
//! Who reads holds `control.serving`, taken before its snapshot ([`crate::read::BEGIN_SNAPSHOT`]): so the exchange waits for snapshots that are older than the
//! new rows, and none comes to see tables of two cuts. Statements that were prepared before are planned anew by the database, with the
//! same columns. Every wait for a lock is short, so that those who read wait behind it for a moment at most; then it is tried again.

use std::time::Duration;

use event_store::EventStore;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use tokio::time::Instant;

use super::{ModelRebuild, holds_this_version, of_generation, serving_row};
use crate::administration::listing::{Row, lock_serving};
use crate::administration::{AdministrationError, Promotion};
use crate::checkpoint;
use crate::fingerprint;
use crate::generation::Generation;
use crate::projector::Projector;
use crate::read_model;
use crate::service::ProjectorOptions;
use crate::transaction;

/// So long others may hold what is needed.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
/// `55P03 lock_not_available` and `40P01 deadlock_detected`.
const TRY_AGAIN: [&str; 2] = ["55P03", "40P01"];

/// Exchanges the tables of a model with those of the serving generation, at exactly the same cut.
pub(in crate::administration) async fn join(
    pool: &PgPool,
    store: &dyn EventStore,
    new: Row,
) -> Result<Promotion, AdministrationError> {
    if new.state == "building" {
        return Err(AdministrationError::Building {
            generation: new.schema_name,
        });
    }
    let serving = serving_row(&mut *pool.acquire().await?).await?;
    holds_this_version(&serving, store)?;
    let projectors = of_generation(&new.models.0, read_model::all());
    let ours = fingerprint::fingerprint(&projectors);
    if new.epoch != store.epoch().0 {
        return Err(AdministrationError::OtherHistory {
            generation: new.schema_name,
        });
    }
    if new.fingerprint != ours {
        return Err(AdministrationError::OtherProjectors {
            generation: new.schema_name,
            theirs: new.fingerprint,
            ours,
        });
    }
    let generation = Generation {
        id: new.id,
        schema: new.schema_name.clone(),
        fingerprint: new.fingerprint.clone(),
        epoch: store.epoch(),
    };
    let mut rebuild = ModelRebuild::take(pool.clone(), generation, projectors, &ProjectorOptions::default()).await?;
    // Nearly all that it lacks, while nobody is held.
    rebuild.run(store, |_| {}).await?;
    let joined = exchange_patiently(&mut rebuild, store, serving).await;
    rebuild.close().await?;
    joined.map(|promotion| Promotion {
        model: new.model,
        ..promotion
    })
}

async fn exchange_patiently(
    rebuild: &mut ModelRebuild,
    store: &dyn EventStore,
    serving: Row,
) -> Result<Promotion, AdministrationError> {
    let begun = Instant::now();
    loop {
        match exchange(rebuild, store, &serving).await {
            Err(AdministrationError::Projection(error))
                if error.sqlstate().is_some_and(|code| TRY_AGAIN.contains(&code.as_str())) =>
            {
                if begun.elapsed() >= PATIENCE {
                    return Err(AdministrationError::InUse {
                        serving: serving.schema_name,
                    });
                }
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

async fn exchange(
    rebuild: &mut ModelRebuild,
    store: &dyn EventStore,
    serving: &Row,
) -> Result<Promotion, AdministrationError> {
    let pool = rebuild.pool.clone();
    let mut transaction = transaction::begin(&pool).await?;
    // No reader and no writer minds this lock, and a vacuum, which would not give way to a short wait below, ends for it.
    sqlx::raw_sql("set local lock_timeout = '5s'")
        .execute(&mut *transaction)
        .await?;
    let own = rebuild.generation().to_owned();
    for table in tables(rebuild.fold.projectors()) {
        for schema in [&serving.schema_name, &own] {
            let sql = format!("lock table {schema}.\"{table}\" in share update exclusive mode");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
        }
    }
    if lock_serving(&mut transaction).await? != Some(serving.id) {
        return Err(AdministrationError::NotServing {
            generation: serving.schema_name.clone(),
        });
    }
    // Its projector waits for these rows with its next transaction.
    sqlx::query("select from control.checkpoint where generation = $1 order by partition for update")
        .bind(serving.id)
        .execute(&mut *transaction)
        .await?;
    let held = Instant::now();
    let cut = checkpoint::read(&mut transaction, serving.id).await?;
    rebuild.fold.hurry();
    rebuild.fill_to(store, &cut, |_, _| {}).await?;
    if !cut.covers(rebuild.fold.reached()) {
        return Err(AdministrationError::NotLevel {
            generation: serving.schema_name.clone(),
            behind: store.behind(rebuild.fold.reached(), &cut),
            serving: own,
            fingerprint: serving.fingerprint.clone(),
        });
    }
    exchange_tables(&mut transaction, rebuild.fold.projectors(), &serving.schema_name, &own).await?;
    sqlx::query("update control.generation set served_until = clock_timestamp() where id = $1")
        .bind(rebuild.fold.generation().id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Promotion {
        serving: serving.schema_name.clone(),
        before: own,
        model: None,
        held_ms: u64::try_from(held.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

async fn exchange_tables(
    connection: &mut PgConnection,
    projectors: &[Box<dyn Projector>],
    serving: &str,
    own: &str,
) -> Result<(), AdministrationError> {
    let between = format!("{own}_leaving");
    let moved = |from: &str, to: &str| -> String {
        let statements = tables(projectors).map(|table| format!("alter table {from}.\"{table}\" set schema {to};\n"));
        statements.collect()
    };
    // Indexes move with their tables, so the names of both must not meet in one schema.
    let sql = format!(
        "set local lock_timeout = '100ms';\nlock table control.serving in access exclusive mode;\ncreate schema {between};\n{}{}{}drop schema {between};",
        moved(serving, &between),
        moved(own, serving),
        moved(&between, own)
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

fn tables(projectors: &[Box<dyn Projector>]) -> impl Iterator<Item = &'static str> + '_ {
    let tables = projectors.iter().flat_map(|projector| projector.tables());
    tables.map(|table| table.name)
}
