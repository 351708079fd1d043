//! Many new rows go in another way than few, and are the same rows.

use chrono::{DateTime, NaiveDate, Utc};
use event_store::EventStore as _;
use projections::checkpoint::CheckpointMove;
use projections::coalesce::CoalescedChanges;
use projections::generation::{Generation, find_or_create};
use projections::operation::{Columns, RowOperations};
use projections::subject::SubjectChange;
use projections::table::{Column, TableDefinition, TableKind};
use projections::value::{ColumnType, Value};
use projections::write::Writer;
use projections::{DecodedEvent, Projector};
use uuid::Uuid;

use crate::harness::{Replay, World};

const ROWS: i64 = 1_000;

static EVERYTHING: TableDefinition = TableDefinition {
    name: "everything",
    key: &[
        Column::required("number", ColumnType::Int),
        Column::required("id", ColumnType::Uuid),
    ],
    columns: &[
        Column::nullable("words", ColumnType::Text),
        Column::nullable("truth", ColumnType::Bool),
        Column::nullable("moment", ColumnType::Timestamp),
        Column::nullable("day", ColumnType::Date),
        Column::nullable("list", ColumnType::TextArray),
        Column::nullable("tree", ColumnType::Json),
        Column::counter("hits"),
    ],
    kind: TableKind::Rows,
};

/// A table with a column of every type.
struct Everything;

impl Projector for Everything {
    fn name(&self) -> &'static str {
        "everything"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "create table everything (number bigint, id uuid, words text, truth boolean, moment timestamptz, day date, list text[], tree jsonb, \
         hits bigint not null, primary key (number, id));"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        const { &[&EVERYTHING] }
    }

    fn project(&self, _: &SubjectChange<'_>, _: &DecodedEvent, _: &mut RowOperations) {}
}

/// Values that have gone wrong somewhere before, and nothing at all in every fifth place.
fn columns(number: i64) -> Columns {
    let texts = [
        "",
        "plain",
        "\"quoted\" \\ and {braces}, NULL",
        "tab\tnew\nline",
        "ünïcødé 🦀",
    ];
    let text = |shift: i64| texts[usize::try_from((number + shift) % 5).unwrap()].to_owned();
    let moments = [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "2000-01-01T00:00:00Z",
        "2026-11-27T12:00:00.000001Z",
    ];
    let moment: DateTime<Utc> = moments[usize::try_from(number % 4).unwrap()].parse().unwrap();
    let day = NaiveDate::from_ymd_opt(1999, 12, 30).unwrap() + chrono::Days::new(number.unsigned_abs() % 5);
    let list = (0..number % 4).map(text).collect();
    let all: Columns = vec![
        ("words", text(0).into()),
        ("truth", (number % 2 == 0).into()),
        ("moment", moment.into()),
        ("day", day.into()),
        ("list", Value::TextArray(list)),
        (
            "tree",
            Value::Json(serde_json::json!({ "text": text(1), "list": [1, null, 2.5], "deep": { "n": number } })),
        ),
        ("hits", (number - 500).into()),
    ];
    let present = (0..).zip(all).filter(|(place, _)| (number + place) % 5 != 0);
    present.map(|(_, column)| column).collect()
}

async fn write(world: &World, generation: Generation, rows_at_once: usize) {
    let mut writer = Writer::new(world.pool.clone(), generation, true);
    let numbers: Vec<i64> = (0..ROWS).collect();
    for (batch, numbers) in (1..).zip(numbers.chunks(rows_at_once)) {
        let (mut changes, mut operations) = (CoalescedChanges::default(), RowOperations::default());
        for number in numbers {
            let id = Uuid::from_u128(u128::from(number.unsigned_abs()) << 64);
            operations.create(&EVERYTHING, vec![Value::Int(*number), id.into()], columns(*number));
        }
        for operation in operations.drain() {
            changes.add(operation).unwrap();
        }
        let advance = CheckpointMove {
            from: [(0, batch - 1)].into_iter().collect(),
            to: [(0, batch)].into_iter().collect(),
            ..CheckpointMove::default()
        };
        writer.write(changes, &advance).await.unwrap();
    }
}

#[tokio::test]
async fn copied_rows_equal_inserted_rows() {
    let world = World::new().await;
    let generation = async |name: &'static str| {
        let projectors: Vec<Box<dyn Projector>> = vec![Box::new(Everything), Box::new(Replay(name))];
        find_or_create(&world.pool, &projectors, world.store.epoch(), 1)
            .await
            .unwrap()
    };
    let (copied, inserted) = (generation("copied").await, generation("inserted").await);
    write(&world, copied.clone(), 1_000).await;
    write(&world, inserted.clone(), 50).await;
    let rows = world.rows(&copied.schema, "everything").await;
    assert_eq!(rows.len(), usize::try_from(ROWS).unwrap());
    assert_eq!(rows, world.rows(&inserted.schema, "everything").await);
}
