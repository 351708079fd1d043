//! The rows of the serving generation of read models, to be compared with those of another system or of another moment.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgPool};

/// Rows as JSON text, by table.
pub type Tables = BTreeMap<String, Vec<String>>;

/// The schema that serves.
pub async fn serving_schema(pool: &PgPool) -> String {
    let sql = "select schema_name from control.generation join control.serving on serving.generation = generation.id";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// How many rows a table of the serving generation has; 0 before there is one.
pub async fn count(pool: &PgPool, table: &str) -> i64 {
    let sql = "select schema_name from control.generation join control.serving on serving.generation = generation.id";
    let serving: Option<String> = sqlx::query_scalar(sql).fetch_optional(pool).await.unwrap();
    let Some(schema) = serving else { return 0 };
    let sql = AssertSqlSafe(format!("select count(*) from {schema}.{table}"));
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// All rows of all tables of the serving generation. Every column counts: none may depend on the store or on the moment.
pub async fn tables(pool: &PgPool) -> Tables {
    let schema = serving_schema(pool).await;
    let sql = "select table_name::text from information_schema.tables where table_schema = $1";
    let names: Vec<String> = sqlx::query_scalar(sql).bind(&schema).fetch_all(pool).await.unwrap();
    let mut tables = Tables::new();
    for name in names {
        let sql = format!("select to_jsonb(t)::text from {schema}.{name} t order by 1");
        let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
        tables.insert(name, rows);
    }
    for model in ["conversation", "message", "task", "execution", "activity", "statistics"] {
        assert!(tables.contains_key(model), "{model} is a read model");
    }
    tables
}

/// Fails at the first row that differs.
pub fn assert_equal(left: &Tables, right: &Tables) {
    let names = |tables: &Tables| tables.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(left), names(right), "both have the same tables");
    for (name, rows) in left {
        let others = &right[name];
        let differing = rows.iter().zip(others).find(|(row, other)| row != other);
        assert_eq!(differing, None, "rows of {name} differ");
        assert_eq!(rows.len(), others.len(), "{name} has as many rows on both sides");
    }
}

/// Where each row physically is and which transaction wrote it: any rewriting changes it, even with the same values.
pub async fn physical(pool: &PgPool, table: &str) -> String {
    let sql = format!(
        "select count(*) || ' ' || coalesce(md5(string_agg(ctid::text || xmin::text, ',' order by ctid)), '') from {table}"
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await.unwrap()
}
