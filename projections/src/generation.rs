//! Generations: copies of all read models, each in its own schema.

use event_store::LogEpoch;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::error::ProjectionError;
use crate::fingerprint::{self, SUBJECT_SCHEMA};
use crate::projector::Projector;
use crate::transaction;

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

/// Memory of PostgreSQL for one index that is made over a full table.
const INDEX_MEMORY: &str = "128MB";

/// Two processes must not create the same generation; the number means "generat".
const CREATION_LOCK: i64 = 0x6765_6e65_7261_7400;

/// The generation of these projectors on this history: the one that serves, or else the one that is furthest. Creates one when there is
/// none; the first of all serves at once.
pub async fn find_or_create(
    pool: &PgPool,
    projectors: &[Box<dyn Projector>],
    epoch: LogEpoch,
    partitions: u32,
) -> Result<Generation, ProjectionError> {
    let fingerprint = fingerprint::fingerprint(projectors);
    let mut transaction = transaction::begin(pool).await?;
    lock_creation(&mut transaction).await?;
    let found = of_fingerprint(&mut transaction, &fingerprint, epoch)
        .await?
        .into_iter()
        .next();
    let (id, schema) = match found {
        Some(found) => {
            // One that was asked for before any projector has run.
            serve_if_first(&mut transaction, found.id).await?;
            (found.id, found.schema)
        }
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

/// Generations that whoever holds this fingerprint follows: the one that serves first, then those that are level, then those that are
/// built.
pub(crate) async fn of_fingerprint(
    connection: &mut PgConnection,
    fingerprint: &str,
    epoch: LogEpoch,
) -> Result<Vec<Generation>, ProjectionError> {
    let found: Vec<(i32, String)> = sqlx::query_as(
        "select id, schema_name from control.generation \
         where fingerprint = $1 and epoch = $2 and state <> 'retired' and schema_name is not null \
         order by array_position(array['serving', 'following', 'building'], state), id",
    )
    .bind(fingerprint)
    .bind(epoch.0)
    .fetch_all(connection)
    .await?;
    let generation = |(id, schema)| Generation {
        id,
        schema,
        fingerprint: fingerprint.to_owned(),
        epoch,
    };
    Ok(found.into_iter().map(generation).collect())
}

/// What is still to be done before a generation can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It was never level.
    Building,
    /// It is to be kept level.
    Level,
}

/// Where a generation is; none when it was dropped.
pub(crate) async fn stage(
    connection: &mut PgConnection,
    generation: &Generation,
) -> Result<Option<Stage>, ProjectionError> {
    let building: Option<bool> =
        sqlx::query_scalar("select level_at is null from control.generation where id = $1 and state <> 'retired'")
            .bind(generation.id)
            .fetch_optional(connection)
            .await?;
    Ok(building.map(|building| if building { Stage::Building } else { Stage::Level }))
}

/// It has caught up with the log: from now on it may serve.
pub(crate) async fn reached_level(pool: &PgPool, generation: &Generation) -> Result<(), ProjectionError> {
    sqlx::query(
        "update control.generation set level_at = now(), state = case state when 'building' then 'following' else state end \
         where id = $1 and level_at is null",
    )
    .bind(generation.id)
    .execute(pool)
    .await?;
    tracing::info!(generation.schema, "the generation is complete");
    Ok(())
}

/// Until the end of the transaction nobody else creates a generation.
pub(crate) async fn lock_creation(connection: &mut PgConnection) -> Result<(), ProjectionError> {
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(CREATION_LOCK)
        .execute(connection)
        .await?;
    Ok(())
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
    /// The same, filled beside the one that serves; its secondary indexes are made last.
    Rebuild,
    /// To be compared and dropped. In state `retired` nobody follows it, shows it, or takes it for the generation of its fingerprint.
    Refold,
    /// The log up to a cut, for a while; in the same state, for the same reason, so that it can never serve.
    AsOf,
    /// A variant of the log up to a cut; the same.
    Branch,
}

impl Kind {
    /// Its state at first, the prefix of its schema, and its purpose.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::ReadModels => ("building", "read_models", "version"),
            Self::Rebuild => ("building", "read_models", "rebuild"),
            Self::Refold => ("retired", "refold", "version"),
            Self::AsOf => ("retired", "as_of", "as-of"),
            Self::Branch => ("retired", "branch", "branch"),
        }
    }

    /// Does it have its secondary indexes from the start?
    fn is_indexed(self) -> bool {
        matches!(self, Self::ReadModels | Self::Refold)
    }
}

/// The row, checkpoints at the start of these partitions, and empty tables in a schema of its own: its id and schema.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    projectors: &[Box<dyn Projector>],
    epoch: LogEpoch,
    partitions: Vec<u32>,
    kind: Kind,
) -> Result<(i32, String), ProjectionError> {
    let (state, prefix, purpose) = kind.words();
    let indexed = kind.is_indexed();
    let (id,): (i32,) = sqlx::query_as(
        "insert into control.generation (fingerprint, epoch, models, state, purpose, indexed) \
         values ($1, $2, $3, $4, $5, $6) returning id",
    )
    .bind(fingerprint::fingerprint(projectors))
    .bind(epoch.0)
    .bind(sqlx::types::Json(fingerprint::models(projectors)))
    .bind(state)
    .bind(purpose)
    .bind(indexed)
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
    create_tables(connection, &schema, projectors, indexed).await?;
    Ok((id, schema))
}

async fn create_tables(
    connection: &mut PgConnection,
    schema: &str,
    projectors: &[Box<dyn Projector>],
    indexed: bool,
) -> Result<(), ProjectionError> {
    let (mut wanted, secondary) = statements(projectors);
    if indexed {
        wanted.extend(secondary);
    }
    let statements = wanted.join(";\n");
    // Several statements without parameters: only the simple protocol takes them in one piece.
    let sql = format!(
        "create schema {schema}; set local search_path to {schema};\n{statements};\nset local search_path to default;"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// Makes the secondary indexes of a generation that has none yet, in one transaction; does nothing when it has them.
pub(crate) async fn create_indexes(
    pool: &PgPool,
    generation: &Generation,
    projectors: &[Box<dyn Projector>],
) -> Result<(), ProjectionError> {
    let mut transaction = transaction::begin(pool).await?;
    // Who writes takes these locks before any table, so nobody holds a table that an index waits for.
    sqlx::query("select from control.checkpoint where generation = $1 order by partition for update")
        .bind(generation.id)
        .execute(&mut *transaction)
        .await?;
    // Of two projectors one waits above and finds it done.
    let indexed: Option<bool> = sqlx::query_scalar("select indexed from control.generation where id = $1 for update")
        .bind(generation.id)
        .fetch_optional(&mut *transaction)
        .await?;
    if indexed != Some(false) {
        return Ok(());
    }
    let (_, secondary) = statements(projectors);
    let sql = format!(
        "set local search_path to {}; set local maintenance_work_mem = '{INDEX_MEMORY}';\n{};\nset local search_path to default; \
         update control.generation set indexed = true where id = {}",
        generation.schema,
        secondary.join(";\n"),
        generation.id
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// What makes the tables, and what makes their secondary indexes. The files have comments, and no semicolon within a statement.
fn statements(projectors: &[Box<dyn Projector>]) -> (Vec<String>, Vec<String>) {
    let schemas = std::iter::once(SUBJECT_SCHEMA).chain(projectors.iter().map(|projector| projector.schema()));
    let without_comments = schemas.flat_map(str::lines).map(|line| {
        let (statement, _) = line.split_once("--").unwrap_or((line, ""));
        format!("{statement}\n")
    });
    let all: String = without_comments.collect();
    let statements = all.split(';').map(str::trim).filter(|statement| !statement.is_empty());
    statements
        .map(ToOwned::to_owned)
        .partition(|statement| !statement.starts_with("create index") && !statement.starts_with("create unique index"))
}

async fn serve_if_first(connection: &mut PgConnection, id: i32) -> Result<(), ProjectionError> {
    let first = sqlx::query("insert into control.serving (generation) values ($1) on conflict do nothing")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    if first.rows_affected() == 1 {
        sqlx::query("update control.generation set state = 'serving', served_from = now() where id = $1")
            .bind(id)
            .execute(connection)
            .await?;
    }
    Ok(())
}
