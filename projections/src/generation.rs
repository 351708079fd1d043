//! Generations: copies of all read models, each in its own schema.

use event_store::LogEpoch;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::error::ProjectionError;
use crate::fingerprint::{self, SUBJECT_SCHEMA};
use crate::projector::Projector;

/// One copy of the read models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its number.
    pub id: i32,
    /// Its schema.
    pub schema: String,
    /// Who may follow it.
    pub fingerprint: String,
    /// The history that it counts in.
    pub epoch: LogEpoch,
}

/// Two processes must not create the same generation; the number means "generat".
const CREATION_LOCK: i64 = 0x6765_6e65_7261_7400;

/// The generation of these projectors on this history. Creates it when there is none; the first of all serves at once.
pub async fn find_or_create(
    pool: &PgPool,
    projectors: &[Box<dyn Projector>],
    epoch: LogEpoch,
    partitions: u32,
) -> Result<Generation, ProjectionError> {
    let fingerprint = fingerprint::fingerprint(projectors);
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(CREATION_LOCK)
        .execute(&mut *transaction)
        .await?;
    let found: Option<(i32, String)> = sqlx::query_as(
        "select id, schema_name from control.generation \
         where fingerprint = $1 and epoch = $2 and state <> 'retired' and schema_name is not null",
    )
    .bind(&fingerprint)
    .bind(epoch.0)
    .fetch_optional(&mut *transaction)
    .await?;
    let (id, schema) = match found {
        Some(found) => found,
        None => create(&mut transaction, projectors, &fingerprint, epoch, partitions).await?,
    };
    transaction.commit().await?;
    Ok(Generation {
        id,
        schema,
        fingerprint,
        epoch,
    })
}

async fn create(
    connection: &mut PgConnection,
    projectors: &[Box<dyn Projector>],
    fingerprint: &str,
    epoch: LogEpoch,
    partitions: u32,
) -> Result<(i32, String), ProjectionError> {
    let partitions = (0..partitions).collect();
    let (id, schema) = insert(connection, projectors, epoch, partitions, Kind::ReadModels).await?;
    serve_if_first(connection, id).await?;
    tracing::info!(
        generation.schema = schema,
        generation.fingerprint = fingerprint,
        "created a generation of read models"
    );
    Ok((id, schema))
}

/// What a generation is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To be followed, and to serve one day.
    ReadModels,
    /// To be compared and dropped. In state `retired` nobody follows it, shows it, or takes it for the generation of its fingerprint.
    Refold,
}

/// The row, checkpoints at the start of these partitions, and empty tables in a schema of its own: its id and schema.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    projectors: &[Box<dyn Projector>],
    epoch: LogEpoch,
    partitions: Vec<u32>,
    kind: Kind,
) -> Result<(i32, String), ProjectionError> {
    let (state, prefix) = match kind {
        Kind::ReadModels => ("building", "read_models"),
        Kind::Refold => ("retired", "refold"),
    };
    let (id,): (i32,) = sqlx::query_as(
        "insert into control.generation (fingerprint, epoch, models, state) values ($1, $2, $3, $4) returning id",
    )
    .bind(fingerprint::fingerprint(projectors))
    .bind(epoch.0)
    .bind(sqlx::types::Json(fingerprint::models(projectors)))
    .bind(state)
    .fetch_one(&mut *connection)
    .await?;
    let schema = format!("{prefix}_{id}");
    sqlx::query("update control.generation set schema_name = $2 where id = $1")
        .bind(id)
        .bind(&schema)
        .execute(&mut *connection)
        .await?;
    let partitions: Vec<i32> = partitions.into_iter().map(u32::cast_signed).collect();
    sqlx::query("insert into control.checkpoint select $1, partition, 0, null from unnest($2::integer[]) as partition")
        .bind(id)
        .bind(&partitions)
        .execute(&mut *connection)
        .await?;
    create_tables(connection, &schema, projectors).await?;
    Ok((id, schema))
}

async fn create_tables(
    connection: &mut PgConnection,
    schema: &str,
    projectors: &[Box<dyn Projector>],
) -> Result<(), ProjectionError> {
    let mut sql = format!("create schema {schema};\nset local search_path to {schema};\n{SUBJECT_SCHEMA}\n");
    for projector in projectors {
        sql.push_str(projector.schema());
        sql.push('\n');
    }
    sql.push_str("set local search_path to default;");
    // Several statements without parameters: only the simple protocol takes them in one piece.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

async fn serve_if_first(connection: &mut PgConnection, id: i32) -> Result<(), ProjectionError> {
    let first = sqlx::query("insert into control.serving (generation) values ($1) on conflict do nothing")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    if first.rows_affected() == 1 {
        sqlx::query("update control.generation set state = 'serving' where id = $1")
            .bind(id)
            .execute(connection)
            .await?;
    }
    Ok(())
}
