//! Generations that nobody needs any more: half built ones whose builder is gone, and those whose time is over.
//!
//! A lock that belongs to the session of a builder tells whether it still lives, so nothing has to be noted when a process is killed.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::advisory_lock;
use crate::error::ProjectionError;

/// `55P03 lock_not_available`.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// So long somebody who reads tables is waited for; what is still read is dropped the next time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Nobody begins to read what has expired; who began before is let finish.
const READ_ON: Duration = Duration::from_mins(1);

/// Removes second folds and branches whose builders do not live any more, and whatever has expired; how many.
pub async fn drop_leftovers(pool: &PgPool) -> Result<usize, ProjectionError> {
    let ids: Vec<i32> = sqlx::query_scalar(
        "select id from control.generation left join control.travel on travel.generation = generation.id \
         where state = 'retired' and schema_name is not null \
           and (travel.generation is null or travel.expires_at <= now() - make_interval(secs => $1) or (travel.complete_at is null and purpose = 'branch')) \
         order by id",
    )
    .bind(READ_ON.as_secs_f64())
    .fetch_all(pool)
    .await?;
    let mut removed = 0;
    for id in ids {
        let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
        if advisory_lock::BUILDER.try_hold(&mut session, id).await? && remove_if(&mut session, id, false).await? {
            removed += 1;
        }
        session.close().await?;
    }
    Ok(removed)
}

/// Removes a generation in state `retired`, whatever its time.
pub(crate) async fn remove(connection: &mut PgConnection, id: i32) -> Result<(), ProjectionError> {
    remove_if(connection, id, true).await?;
    Ok(())
}

/// `false` when its life was made longer meanwhile, or somebody reads it.
async fn remove_if(connection: &mut PgConnection, id: i32, whatever_its_time: bool) -> Result<bool, ProjectionError> {
    let mut transaction = connection.begin().await?;
    // Checkpoints and what is known of the travel go with it.
    let schema: Option<Option<String>> = sqlx::query_scalar(
        "delete from control.generation where id = $1 and state = 'retired' \
           and ($2 or not exists (select from control.travel where generation = id and complete_at is not null and expires_at > now())) \
         returning schema_name",
    )
    .bind(id)
    .bind(whatever_its_time)
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(Some(schema)) = schema else {
        return Ok(false);
    };
    let sql = format!(
        "set local lock_timeout = {}; drop schema if exists {schema} cascade",
        PATIENCE.as_millis()
    );
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        if !whatever_its_time && code.as_deref() == Some(LOCK_NOT_AVAILABLE) {
            transaction.rollback().await?;
            return Ok(false);
        }
        return Err(error.into());
    }
    transaction.commit().await?;
    Ok(true)
}
