//! Which columns of a table are compared.

use sqlx::PgConnection;

use super::quoted;
use crate::error::ProjectionError;
use crate::table::TableDefinition;

/// The columns of a table that are compared: of projectors of this version as they say, of any other generation as the database says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShape {
    /// Its name, without a schema.
    pub name: String,
    /// The key columns, in the order of the primary key.
    pub key: Vec<String>,
    /// All others that are written; what the database generates follows from them.
    pub columns: Vec<String>,
}

impl TableShape {
    /// Of a table of this version.
    pub fn of(table: &TableDefinition) -> Self {
        let names = |columns: &[crate::table::Column]| columns.iter().map(|column| column.name.to_owned()).collect();
        Self {
            name: table.name.to_owned(),
            key: names(table.key),
            columns: names(table.columns),
        }
    }

    /// Of every table in a schema, by name, whoever made it.
    pub async fn found_in(connection: &mut PgConnection, schema: &str) -> Result<Vec<Self>, ProjectionError> {
        let found: Vec<(String, Vec<String>, Vec<String>)> = sqlx::query_as(
            "select class.relname::text, \
                    array(select attribute.attname::text \
                          from unnest(coalesce(key.indkey::smallint[], '{}')) with ordinality as part (number, place) \
                          join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attnum = part.number \
                          order by part.place), \
                    array(select attribute.attname::text from pg_attribute as attribute \
                          where attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped \
                            and attribute.attgenerated = '' and not coalesce(attribute.attnum = any (key.indkey::smallint[]), false) \
                          order by attribute.attname) \
             from pg_class as class \
             join pg_namespace as namespace on namespace.oid = class.relnamespace \
             left join pg_index as key on key.indrelid = class.oid and key.indisprimary \
             where namespace.nspname = $1 and class.relkind = 'r' order by class.relname",
        )
        .bind(schema)
        .fetch_all(connection)
        .await?;
        let shape = |(name, key, columns)| Self { name, key, columns };
        Ok(found.into_iter().map(shape).collect())
    }

    /// What both have; none when their rows cannot be matched, since the keys are not the same.
    pub fn common(&self, other: &Self) -> Option<Self> {
        let columns = self.columns.iter().filter(|column| other.columns.contains(column));
        (!self.key.is_empty() && self.key == other.key).then(|| Self {
            name: self.name.clone(),
            key: self.key.clone(),
            columns: columns.cloned().collect(),
        })
    }

    /// Columns that the other one does not have.
    pub fn lacking_in(&self, other: &Self) -> Vec<String> {
        let lacking = self.columns.iter().filter(|column| !other.columns.contains(column));
        lacking.cloned().collect()
    }

    /// The table, to be written after `from`.
    pub(super) fn within(&self, schema: &str) -> String {
        format!("{}.{}", quoted(schema), quoted(&self.name))
    }

    /// The key columns of `t`.
    pub(super) fn key_columns(&self) -> String {
        joined(self.key.iter(), |name| format!("t.{}", quoted(name)))
    }

    /// All columns of `t`.
    pub(super) fn all_columns(&self) -> String {
        joined(self.key.iter().chain(&self.columns), |name| {
            format!("t.{}", quoted(name))
        })
    }

    /// All columns of `t` as the arguments of `jsonb_build_object`.
    pub(super) fn members(&self) -> String {
        joined(self.key.iter().chain(&self.columns), |name| {
            format!("'{name}', t.{}", quoted(name))
        })
    }
}

fn joined<'a>(names: impl Iterator<Item = &'a String>, text: impl Fn(&String) -> String) -> String {
    names.map(text).collect::<Vec<_>>().join(", ")
}
