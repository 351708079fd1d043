//! The journal, seen from outside: its order, its numbers, and the read models folded from it a second time.

mod fold;

use serde_json::Value;
use sqlx::PgPool;

pub use fold::Fold;

/// How many events there are; 0 before the journal is made.
pub async fn events(pool: &PgPool) -> i64 {
    let made: bool = sqlx::query_scalar("select to_regclass('journal.events') is not null")
        .fetch_one(pool)
        .await
        .unwrap();
    if !made {
        return 0;
    }
    sqlx::query_scalar("select count(*) from journal.events")
        .fetch_one(pool)
        .await
        .unwrap()
}

/// The events of a stream: revision, type, data.
pub async fn stream(pool: &PgPool, stream: &str) -> Vec<(i64, String, Value)> {
    let sql = "select revision, type::text, data from journal.events where stream = $1 order by revision";
    sqlx::query_as(sql).bind(stream).fetch_all(pool).await.unwrap()
}

/// Fails unless revisions are contiguous in every stream and positions over all, and no command or event is there twice.
pub async fn assert_in_order(pool: &PgPool) {
    let sql = "select stream::text from journal.events group by stream \
               having min(revision) <> 0 or max(revision) <> count(*) - 1";
    let broken: Vec<String> = sqlx::query_scalar(sql).fetch_all(pool).await.unwrap();
    assert!(broken.is_empty(), "revisions are contiguous, but not of {broken:?}");

    let sql = "select coalesce(min(position), 1), coalesce(max(position), 0), count(*), count(distinct id), \
               (select position from journal.head) from journal.events";
    let (first, last, count, ids, head): (i64, i64, i64, i64, i64) = sqlx::query_as(sql).fetch_one(pool).await.unwrap();
    assert_eq!(
        (first, last, ids, head),
        (1, count, count, count),
        "positions are contiguous, and ids differ"
    );

    let sql = "select stream::text || ' ' || command::text from journal.events \
               group by stream, command having max(revision) - min(revision) <> count(*) - 1";
    let torn: Vec<String> = sqlx::query_scalar(sql).fetch_all(pool).await.unwrap();
    assert!(torn.is_empty(), "the events of a command lie side by side: {torn:?}");
}
