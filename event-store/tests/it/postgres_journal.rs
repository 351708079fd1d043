//! The journal of a log in PostgreSQL: a piece goes in once, whoever brings it and however large it is.

use chrono::{DateTime, Utc};
use domain::StreamId;
use event_store::acceptance::Digest;
use event_store::codec::FenceTarget;
use event_store::journal::memory::MemoryJournal;
use event_store::journal::postgres::{LogKind, PostgresJournal};
use event_store::journal::{Advance, Applied, Checkpoint, FenceRow, Journal, JournalBatch};
use event_store::{AppendToStreamOptions, LogPosition, ReadAllOptions, RecordedEvent, StoreError, StreamState};
use serde_json::value::RawValue;
use sqlx::PgPool;
use uuid::Uuid;

use crate::database::migrated;

/// A small piece is one statement, a large one is copied.
const SIZES: [u64; 2] = [3, 700];

async fn journal(pool: &PgPool) -> PostgresJournal {
    PostgresJournal::open(pool.clone(), LogKind::Log, Uuid::from_u128(7), 2)
        .await
        .unwrap()
}

fn event(offset: u64) -> RecordedEvent {
    RecordedEvent {
        stream: StreamId::parse("sample-one").unwrap(),
        revision: offset,
        id: Uuid::new_v4().into(),
        event_type: "sample.happened.v1".to_owned(),
        time: DateTime::UNIX_EPOCH,
        recorded_at: DateTime::<Utc>::UNIX_EPOCH,
        data: RawValue::from_string("{\"text\": \"a\\\\tab\\tand a line\\n\"}".to_owned()).unwrap(),
        metadata: AppendToStreamOptions::anonymous(StreamState::Any).stamp,
        at: LogPosition {
            partition: 1,
            offset,
            index: 0,
        },
        position: None,
    }
}

/// The events of partition 1 from one offset to another.
fn piece(from: u64, to: u64) -> JournalBatch {
    JournalBatch {
        advances: vec![Advance {
            partition: 1,
            from,
            to: Checkpoint {
                next_offset: to,
                digest: Digest(u128::from(to)),
            },
        }],
        events: (from..to).map(event).collect(),
        fences: Vec::new(),
    }
}

async fn offsets(journal: &PostgresJournal) -> Vec<u64> {
    let options = ReadAllOptions {
        max_count: 10_000,
        ..ReadAllOptions::default()
    };
    let events = journal.read_all(&options).await.unwrap();
    let positions: Vec<_> = events
        .iter()
        .filter_map(|event| event.position)
        .map(|position| position.0)
        .collect();
    assert_eq!(positions, (1..=events.len() as u64).collect::<Vec<_>>());
    events.iter().map(|event| event.at.offset).collect()
}

#[tokio::test]
async fn of_two_journalers_with_the_same_piece_one_writes_it_and_the_other_hears_that_it_moved() {
    for size in SIZES {
        let pool = migrated().await;
        let (one, two) = (journal(&pool).await, journal(&pool).await);
        let (first, second) = (piece(0, size), piece(0, size));
        let (first, second) = tokio::join!(one.apply(&first), two.apply(&second));
        let mut outcomes = [first.unwrap(), second.unwrap()];
        outcomes.sort_by_key(|outcome| *outcome == Applied::Moved);
        assert_eq!(outcomes, [Applied::Done, Applied::Moved], "pieces of {size}");
        assert_eq!(offsets(&one).await, (0..size).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_piece_that_does_not_begin_at_the_checkpoint_changes_nothing() {
    for size in SIZES {
        let pool = migrated().await;
        let journal = journal(&pool).await;
        assert_eq!(journal.apply(&piece(0, 2)).await.unwrap(), Applied::Done);
        assert_eq!(journal.apply(&piece(5, 5 + size)).await.unwrap(), Applied::Moved);
        assert_eq!(offsets(&journal).await, [0, 1]);
        let checkpoint = journal.checkpoints().await.unwrap()[1];
        assert_eq!((checkpoint.next_offset, checkpoint.digest), (2, Digest(2)));
        // Positions go on without a hole.
        assert_eq!(journal.apply(&piece(2, 2 + size)).await.unwrap(), Applied::Done);
        assert_eq!(offsets(&journal).await, (0..2 + size).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_piece_that_would_leave_a_hole_or_double_a_revision_is_refused_by_name_and_changes_nothing() {
    for size in SIZES {
        for shift in [-1_i64, 1] {
            let pool = migrated().await;
            let journal = journal(&pool).await;
            assert_eq!(journal.apply(&piece(0, 2)).await.unwrap(), Applied::Done);
            let mut wrong = piece(2, 2 + size);
            for event in &mut wrong.events {
                event.revision = event.revision.checked_add_signed(shift).unwrap();
            }
            let error = journal.apply(&wrong).await.unwrap_err();
            let halted = matches!(&error, StoreError::Halted { partition: 1, offset: 2, reason } if reason.contains("sample-one"));
            assert!(halted, "pieces of {size}, shifted by {shift}: {error:?}");
            assert_eq!(offsets(&journal).await, [0, 1]);
            assert_eq!(journal.checkpoints().await.unwrap()[1].next_offset, 2);
        }
        // Within one piece too.
        let pool = migrated().await;
        let journal = journal(&pool).await;
        let mut holed = piece(0, size);
        holed.events.remove(1);
        let error = journal.apply(&holed).await.unwrap_err();
        assert!(matches!(error, StoreError::Halted { offset: 2, .. }), "{error:?}");
        assert_eq!(offsets(&journal).await, Vec::<u64>::new());
    }
}

#[tokio::test]
async fn a_fence_goes_in_with_its_piece_however_large_that_is() {
    for size in [0].into_iter().chain(SIZES) {
        let pool = migrated().await;
        let journal = journal(&pool).await;
        let stream = StreamId::parse("sample-one").unwrap();
        let mut fenced = piece(0, size);
        fenced.advances[0].to.next_offset = size + 1;
        fenced.fences.push(FenceRow {
            rejections: Vec::new(),
            partition: 1,
            offset: size,
            target: FenceTarget::Stream(stream.clone()),
            recorded_at: DateTime::UNIX_EPOCH,
        });
        assert_eq!(journal.apply(&fenced).await.unwrap(), Applied::Done, "pieces of {size}");
        assert_eq!(
            journal.apply(&fenced).await.unwrap(),
            Applied::Moved,
            "pieces of {size}"
        );
        assert_eq!(offsets(&journal).await, (0..size).collect::<Vec<_>>());
        let (covering, checkpoint) = journal
            .last_covering(1, &FenceTarget::Stream(stream.clone()), size + 1)
            .await
            .unwrap();
        assert_eq!((covering, checkpoint.next_offset), (Some(size), size + 1));
    }
}

/// A stream may be named as a category is; its commits are in any partition and keep no fence of the category out, or readers that ask the
/// journal would judge otherwise than those that do not.
async fn commits_keep_no_category_fence_out(journal: &dyn Journal) {
    let namesake = StreamId::parse("sample").unwrap();
    let mut commits = piece(0, 2);
    for event in &mut commits.events {
        event.stream = namesake.clone();
    }
    assert_eq!(journal.apply(&commits).await.unwrap(), Applied::Done);
    let covering = async |target: FenceTarget| journal.last_covering(1, &target, 9).await.unwrap().0;
    assert_eq!(covering(FenceTarget::Stream(namesake)).await, Some(1));
    assert_eq!(covering(FenceTarget::Category("sample".to_owned())).await, None);
}

#[tokio::test]
async fn commits_on_a_stream_named_as_a_category_keep_no_fence_of_it_out() {
    let pool = migrated().await;
    commits_keep_no_category_fence_out(&journal(&pool).await).await;
    commits_keep_no_category_fence_out(&MemoryJournal::new(Uuid::from_u128(7), 2)).await;
}

#[tokio::test]
async fn small_and_large_pieces_make_the_same_rows() {
    let mut contents = Vec::new();
    for size in SIZES {
        let pool = migrated().await;
        let journal = journal(&pool).await;
        let pieces = (0..).map(|number| number * size).take_while(|from| *from < 2_100);
        for from in pieces {
            assert_eq!(journal.apply(&piece(from, from + size)).await.unwrap(), Applied::Done);
        }
        let rows: Vec<String> = sqlx::query_scalar(
            "select (to_jsonb(e) - 'id' - 'command' - 'metadata')::text || (metadata - 'commandId' - 'correlationId')::text from journal.events e order by position",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        contents.push(rows);
    }
    assert_eq!(contents[0].len(), 2_100);
    assert_eq!(contents[0], contents[1]);
}

#[tokio::test]
async fn whoever_opens_it_does_not_wait_for_journalers_that_wait_for_him() {
    let pool = migrated().await;
    journal(&pool).await;
    // A journaler in the middle of a piece: it has the row of its partition, and will want the head.
    let mut piece = pool.begin().await.unwrap();
    sqlx::query("update journal.checkpoints set next_offset = next_offset where partition = 1")
        .execute(&mut *piece)
        .await
        .unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(10), journal(&pool))
        .await
        .expect("it is opened meanwhile");
    sqlx::query("update journal.head set position = position")
        .execute(&mut *piece)
        .await
        .unwrap();
    piece.commit().await.unwrap();
}
