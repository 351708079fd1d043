//! The nearest saved generation, and a copy of its tables to begin with.
//!
//! Everything happens in one REPEATABLE READ transaction of the caller: which generation it is, how far it is, and its rows are of one moment,
//! so that also one that is followed right now can be copied.

use event_store::{Cut, LogEpoch};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::comparison;
use crate::error::ProjectionError;
use crate::projector::Projector;
use crate::table::TableDefinition;

/// A generation whose rows are those of the log up to its cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    id: i32,
    pub(super) schema: String,
    pub(super) cut: Cut,
}

/// Memory of PostgreSQL for the primary keys that are made over full tables.
const INDEX_MEMORY: &str = "256MB";

/// Of the generations with one of these fingerprints the one that covers most and nothing behind the target.
pub(super) async fn nearest(
    connection: &mut PgConnection,
    fingerprints: &[String],
    epoch: LogEpoch,
    target: &Cut,
) -> Result<Option<Source>, ProjectionError> {
    // Where a stream is parked or an event was discarded, the rows are not what the log says.
    let rows: Vec<(i32, String, Vec<i32>, Vec<i64>)> = sqlx::query_as(
        "select generation.id, schema_name, array_agg(partition), array_agg(next_offset) \
         from control.generation join control.checkpoint on checkpoint.generation = generation.id \
         left join control.travel on travel.generation = generation.id \
         where fingerprint = any($1) and epoch = $2 and schema_name is not null \
           and (state <> 'retired' or (purpose = 'as-of' and complete_at is not null)) \
           and not exists (select from control.parked_stream where parked_stream.generation = generation.id) \
           and not exists (select from control.discarded_event where discarded_event.generation = generation.id) \
         group by generation.id",
    )
    .bind(fingerprints)
    .bind(epoch.0)
    .fetch_all(connection)
    .await?;
    let source = |(id, schema, partitions, offsets): (i32, String, Vec<i32>, Vec<i64>)| {
        let partitions = partitions.into_iter().map(i32::cast_unsigned);
        let cut = partitions.zip(offsets.into_iter().map(i64::cast_unsigned)).collect();
        Source { id, schema, cut }
    };
    Ok(rows
        .into_iter()
        .map(source)
        .filter(|source| target.covers(&source.cut) && source.cut.ahead_of(&Cut::start()) > 0)
        .max_by_key(|source| source.cut.ahead_of(&Cut::start())))
}

/// Fills the empty tables of generation `id`, without secondary indexes, with the rows of the source, and takes its checkpoint over.
pub(super) async fn copy(
    connection: &mut PgConnection,
    source: &Source,
    (id, schema): (i32, &str),
    projectors: &[Box<dyn Projector>],
) -> Result<(), ProjectionError> {
    let settings = format!("set local maintenance_work_mem = '{INDEX_MEMORY}'; set local synchronous_commit = off");
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *connection).await?;
    for table in comparison::tables(projectors) {
        copy_table(connection, &source.schema, schema, table).await?;
    }
    sqlx::query(
        "update control.checkpoint as mine set next_offset = theirs.next_offset, recorded_at = theirs.recorded_at \
         from control.checkpoint as theirs \
         where mine.generation = $1 and theirs.generation = $2 and theirs.partition = mine.partition",
    )
    .bind(id)
    .bind(source.id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Generated columns are copied too, since to make one again can cost more than everything else (the words of a message). In the copy a
/// trigger keeps them from there on.
async fn copy_table(
    connection: &mut PgConnection,
    from: &str,
    to: &str,
    table: &TableDefinition,
) -> Result<(), ProjectionError> {
    let name = table.name;
    let columns: Vec<(String, bool, Option<String>)> = sqlx::query_as(
        "select attname::text, attgenerated <> '', pg_get_expr(adbin, adrelid) \
         from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum \
         where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum",
    )
    .bind(format!("{to}.\"{name}\""))
    .fetch_all(&mut *connection)
    .await?;
    let names: Vec<String> = columns.iter().map(|(name, ..)| format!("\"{name}\"")).collect();
    let names = names.join(", ");
    let key: Vec<String> = table.key.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let generated: Vec<_> = columns
        .iter()
        .filter_map(|(name, generated, expression)| expression.as_ref().filter(|_| *generated).map(|it| (name, it)))
        .collect();
    let mut statements: Vec<String> = generated
        .iter()
        .map(|(column, _)| format!("alter table {to}.\"{name}\" alter column \"{column}\" drop expression"))
        .collect();
    // The key is made over all rows at once.
    statements.extend([
        format!("alter table {to}.\"{name}\" drop constraint \"{name}_pkey\""),
        format!("insert into {to}.\"{name}\" ({names}) select {names} from {from}.\"{name}\""),
        format!(
            "alter table {to}.\"{name}\" add constraint \"{name}_pkey\" primary key ({})",
            key.join(", ")
        ),
    ]);
    if !generated.is_empty() {
        let assignments: Vec<String> = generated
            .iter()
            .map(|(column, expression)| {
                format!("select {expression} into new.\"{column}\" from (select new.*) as made; ")
            })
            .collect();
        let assignments = assignments.concat();
        statements.extend([
            format!(
                "create function {to}.\"generate_{name}\"() returns trigger language plpgsql as $$ begin {assignments}return new; end $$"
            ),
            format!(
                "create trigger generated before insert or update on {to}.\"{name}\" for each row execute function {to}.\"generate_{name}\"()"
            ),
        ]);
    }
    sqlx::raw_sql(AssertSqlSafe(statements.join(";\n")))
        .execute(connection)
        .await?;
    Ok(())
}
