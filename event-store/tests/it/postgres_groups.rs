//! Groups of commits on PostgreSQL: one that lost its race leaves the others alone, and no state of the database lets a gap in.

use domain::StreamId;
use event_store::postgres::PostgresStore;
use event_store::{
    AppendToStreamOptions, Basis, Commit, CommitOutcome, CommittedCommand, EventStore, NewEvent, ReadAllOptions,
    ReadStreamOptions, StreamState,
};
use futures::future::join_all;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::database::migrated;

const PARTITIONS: u32 = 4;

fn commit(stream: &StreamId, basis: Basis) -> Commit {
    commit_of(2, stream, basis)
}

fn commit_of(count: usize, stream: &StreamId, basis: Basis) -> Commit {
    let event = || NewEvent {
        id: Uuid::new_v4().into(),
        event_type: "sample.happened.v1".to_owned(),
        time: chrono::DateTime::UNIX_EPOCH,
        data: RawValue::from_string("{}".to_owned()).unwrap(),
    };
    Commit {
        id: Uuid::new_v4(),
        stream: stream.clone(),
        basis,
        commands: vec![CommittedCommand {
            stamp: AppendToStreamOptions::anonymous(StreamState::Any).stamp,
            events: (0..count).map(|_| event()).collect(),
        }],
    }
}

fn streams(count: usize) -> Vec<StreamId> {
    (0..count)
        .map(|_| StreamId::parse(&format!("sample-{}", Uuid::new_v4())).unwrap())
        .collect()
}

async fn revisions(store: &PostgresStore, stream: &StreamId) -> Vec<u64> {
    let events = store.read_stream(stream, &ReadStreamOptions::default()).await.unwrap();
    events.iter().map(|event| event.revision).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_a_group_are_what_the_rows_say() {
    let pool = migrated().await;
    let store = PostgresStore::open(pool, PARTITIONS).await.unwrap();
    let streams = streams(40);
    let commits = streams.iter().zip((1..=5).cycle());
    let outcomes = join_all(commits.map(|(stream, count)| store.commit(commit_of(count, stream, Basis::EMPTY)))).await;
    for (stream, outcome) in streams.iter().zip(outcomes) {
        let CommitOutcome::Accepted(receipt) = outcome.unwrap() else {
            panic!("nobody else writes")
        };
        let events = store.read_stream(stream, &ReadStreamOptions::default()).await.unwrap();
        let last = events.last().unwrap();
        assert_eq!((receipt.revision, receipt.position), (last.revision, last.position));
        assert_eq!(receipt.at, last.at);
        // The basis of the receipt can be decided on.
        let next = store.commit(commit(stream, receipt.basis)).await.unwrap();
        assert!(matches!(next, CommitOutcome::Accepted(_)));
    }
}

/// How often the whole journal was read while commits were appended by a connection that made its plans when the journal was small and
/// the planner knew it.
async fn scans(alteration: &'static str) -> i64 {
    let pool = migrated().await;
    let first = PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap();
    let mut bases = Vec::new();
    for stream in streams(30) {
        match first.commit(commit(&stream, Basis::EMPTY)).await.unwrap() {
            CommitOutcome::Accepted(receipt) => bases.push((stream, receipt.basis)),
            CommitOutcome::Void => panic!("nobody else writes"),
        }
    }
    sqlx::raw_sql(alteration).execute(&pool).await.unwrap();
    sqlx::query("analyze journal.events").execute(&pool).await.unwrap();
    let store = PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap();
    for (stream, basis) in bases {
        let outcome = store.commit(commit(&stream, basis)).await.unwrap();
        assert!(matches!(outcome, CommitOutcome::Accepted(_)));
    }
    // Servers count in memory of their own and tell at the latest when they end.
    sqlx::query("select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query_scalar("select seq_scan from pg_stat_user_tables where schemaname = 'journal' and relname = 'events'")
        .fetch_one(&pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn appending_never_reads_the_whole_journal_even_with_plans_made_while_it_was_small() {
    // Building the indexes and other such work.
    let unavoidable = 10;
    let found = scans("").await;
    assert!(found < unavoidable, "{found} scans");
    let without_the_settings = "alter function journal.first_hole reset enable_seqscan; alter function journal.append_all reset enable_seqscan";
    let found = scans(without_the_settings).await;
    assert!(found >= 30, "what this looks for does not show: {found} scans");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_taken_elsewhere_is_an_error_and_no_lost_race() {
    let pool = migrated().await;
    let store = PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap();
    let streams = streams(2);
    store.commit(commit(&streams[0], Basis::EMPTY)).await.unwrap();
    // Somebody has turned the head back: the next positions are taken.
    sqlx::query("update journal.head set position = 0")
        .execute(&pool)
        .await
        .unwrap();
    let error = store.commit(commit(&streams[1], Basis::EMPTY)).await.unwrap_err();
    assert!(format!("{error:?}").contains("events_"), "{error:?}");
    sqlx::query("update journal.head set position = 2")
        .execute(&pool)
        .await
        .unwrap();
    let outcome = store.commit(commit(&streams[1], Basis::EMPTY)).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::Accepted(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn losers_of_a_group_are_void_and_the_others_go_in_without_a_hole_in_the_positions() {
    let pool = migrated().await;
    let store = PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap();
    let other_node = PostgresStore::open(pool, PARTITIONS).await.unwrap();
    let streams = streams(60);
    for moved in streams.iter().step_by(7) {
        let outcome = other_node.commit(commit(moved, Basis::EMPTY)).await.unwrap();
        assert!(matches!(outcome, CommitOutcome::Accepted(_)));
    }
    // All wait at once, so they go out in groups; every seventh was decided before the other node wrote.
    let outcomes = join_all(streams.iter().map(|stream| store.commit(commit(stream, Basis::EMPTY)))).await;
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let void = outcome.unwrap() == CommitOutcome::Void;
        assert_eq!(void, index % 7 == 0, "commit {index}");
    }
    for stream in &streams {
        assert_eq!(revisions(&store, stream).await, [0, 1]);
    }
    let all = store.read_all(&ReadAllOptions::default()).await.unwrap();
    let positions: Vec<_> = all
        .iter()
        .filter_map(|event| event.position)
        .map(|position| position.0)
        .collect();
    assert_eq!(positions, (1..=120).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_decided_on_events_that_the_database_has_lost_is_void() {
    let pool = migrated().await;
    let store = PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap();
    let stream = &streams(1)[0];
    let CommitOutcome::Accepted(receipt) = store.commit(commit(stream, Basis::EMPTY)).await.unwrap() else {
        panic!("nobody else writes")
    };
    // As after a restore of an older backup, or a failover to a standby that was behind.
    sqlx::query("delete from journal.events where stream = $1 and revision = 1")
        .bind(stream.as_str())
        .execute(&pool)
        .await
        .unwrap();
    let outcome = store.commit(commit(stream, receipt.basis)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Void);
    assert_eq!(revisions(&store, stream).await, [0]);
}
