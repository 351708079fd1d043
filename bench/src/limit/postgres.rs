//! `PostgreSQL` without us in front of it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::BytesMut;
use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Bytes that are sent at once, about.
const PIECE: usize = 256 * 1024;

/// Puts the rows of the journal, as they are, by COPY into a second table with the same indexes; tells how many there
/// are and how long it takes.
pub(crate) async fn copy_of_journal(database_url: &str) -> Result<(u64, Duration)> {
    copy_of_table(database_url, "journal.events").await
}

/// The same with any table. Its rows are held in memory.
pub(crate) async fn copy_of_table(database_url: &str, table: &str) -> Result<(u64, Duration)> {
    let mut connection = PgConnection::connect(database_url).await?;
    // What is generated is generated again.
    let columns: String = sqlx::query_scalar(
        "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute \
         where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''",
    )
    .bind(table)
    .fetch_one(&mut connection)
    .await?;
    let pieces: Vec<BytesMut> = connection
        .copy_out_raw(&format!("copy {table} ({columns}) to stdout"))
        .await?
        .try_fold(vec![BytesMut::new()], |mut pieces, row| async move {
            // The server sends row by row; nobody who wants to be fast does.
            if pieces.last().is_none_or(|last| last.len() > PIECE) {
                pieces.push(BytesMut::new());
            }
            if let Some(last) = pieces.last_mut() {
                last.extend_from_slice(&row);
            }
            Ok(pieces)
        })
        .await?;
    let create = format!("create table public.table_copy (like {table} including all)");
    sqlx::query(AssertSqlSafe(create)).execute(&mut connection).await?;
    let started = Instant::now();
    let mut copy = connection
        .copy_in_raw(&format!("copy public.table_copy ({columns}) from stdin"))
        .await?;
    for piece in pieces {
        copy.send(piece).await?;
    }
    let count = copy.finish().await?;
    let taken = started.elapsed();
    ensure!(count > 0, "{table} is empty");
    sqlx::query("drop table public.table_copy")
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok((count, taken))
}

/// Takes all events out of the journal as fast as the server gives them, and looks at nothing: how many there are and how long it takes.
pub(crate) async fn copy_out_of_journal(database_url: &str) -> Result<(u64, Duration)> {
    let mut connection = PgConnection::connect(database_url).await?;
    let started = Instant::now();
    let mut rows = connection
        .copy_out_raw("copy (select * from journal.events order by position) to stdout (format binary)")
        .await?;
    let mut count = 0;
    while rows.try_next().await?.is_some() {
        count += 1;
    }
    drop(rows);
    let taken = started.elapsed();
    connection.close().await?;
    Ok((count, taken))
}

/// One connection that writes one durable row after another.
pub(crate) struct SingleRows {
    connection: PgConnection,
    next: i64,
}

/// About as much as one event with its metadata.
const BODY: &str = concat!(
    r#"{"title": "Measure command", "description": "A task as long as an ordinary one: the first line says what is "#,
    r#"wrong, the next ones how to see it, and the last what should be there instead.", "ownerId": "#,
    r#""5b1c2d0e-6a33-4f6f-9d3f-8f7f0b8f3c55", "metadata": {"commandId": "0190d0a0-0000-7000-8000-000000000000"}}"#
);

impl SingleRows {
    /// In a table of its own in the database.
    pub(crate) async fn new(database_url: &str) -> Result<Self> {
        let mut connection = PgConnection::connect(database_url).await?;
        sqlx::query("create table public.single_rows (id bigint primary key, body jsonb not null)")
            .execute(&mut connection)
            .await?;
        Ok(Self { connection, next: 0 })
    }

    /// Inserts a row; it is on disk when this returns.
    pub(crate) async fn insert(&mut self) -> Result<Duration> {
        self.next += 1;
        let started = Instant::now();
        sqlx::query("insert into public.single_rows (id, body) values ($1, $2::text::jsonb)")
            .bind(self.next)
            .bind(BODY)
            .execute(&mut self.connection)
            .await?;
        Ok(started.elapsed())
    }

    /// Inserts a row and reads it.
    pub(crate) async fn insert_and_select(&mut self) -> Result<Duration> {
        let started = Instant::now();
        self.insert().await?;
        let (_body,): (String,) = sqlx::query_as("select body::text from public.single_rows where id = $1")
            .bind(self.next)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(started.elapsed())
    }
}
