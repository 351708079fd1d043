//! Dropping a generation.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgPool};

use super::{AdministrationError, listing};
use crate::error::ProjectionError;
use crate::leftovers;
use crate::transaction;

/// `55P03 lock_not_available`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Removes a generation that does not serve, tables and all; not before it has not served for `grace`, since going back could be wanted.
/// Its projectors stop within a moment. What is left is a row that says that it existed.
pub async fn retire(pool: &PgPool, generation: &str, grace: Duration) -> Result<(), AdministrationError> {
    let mut transaction = transaction::begin(pool).await?;
    let serving = listing::lock_serving(&mut transaction).await?;
    let row = listing::find(&mut transaction, generation).await?;
    if serving == Some(row.id) {
        return Err(AdministrationError::Serves {
            generation: row.schema_name,
        });
    }
    if row.is_travel() {
        // Nobody goes back to it, and no row needs to say that it existed.
        return match leftovers::remove(&mut transaction, row.id).await {
            Err(ProjectionError::Database(error)) if is_still_read(&error) => Err(AdministrationError::StillRead {
                generation: row.schema_name,
            }),
            removed => {
                removed?;
                Ok(transaction.commit().await?)
            }
        };
    }
    let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&mut *transaction)
        .await?;
    if let Some(after) = row.served_until.map(|until| until + grace).filter(|after| *after > now) {
        return Err(AdministrationError::InGrace {
            generation: row.schema_name,
            after,
        });
    }
    // Whoever projects it loses the race for its checkpoint from here on, waits, and finds it gone.
    let drop = format!(
        "set local lock_timeout = '5s'; \
         delete from control.checkpoint where generation = {0}; \
         update control.generation set state = 'retired', schema_name = null where id = {0}; \
         drop schema {1} cascade",
        row.id, row.schema_name
    );
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *transaction).await {
        return Err(if is_still_read(&error) {
            AdministrationError::StillRead {
                generation: row.schema_name,
            }
        } else {
            error.into()
        });
    }
    transaction.commit().await?;
    Ok(())
}

fn is_still_read(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some(LOCK_NOT_AVAILABLE)
}
