//! Two copies of tables: equal or not, in which ranges of keys, and what differs.

use projections::ProjectorOptions;
use projections::administration::{self, AdministrationError};
use projections::comparison::diff::{DiffScope, GenerationDiff, TableDiff};
use projections::comparison::{self, RANGE_ROWS, RowDifference, Side, TEXT_SETTINGS, TableComparison, TableShape};
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::harness::World;
use crate::history::{created, decided_at_random, task};

/// Rows of the tables here: a few ranges and a bit.
const ROWS: u64 = 4 * RANGE_ROWS + 5;

/// Two schemas with the same table of a key that must be quoted, and what is then done to them.
async fn copies(changes: &str) -> World {
    let world = World::new().await;
    let copies = ["one", "other"].map(|schema| {
        format!(
            "create schema {schema}; \
             create table {schema}.sample (name text collate \"C\", number bigint, word text, primary key (name, number)); \
             insert into {schema}.sample select 'it''s \\ \"' || number % 7, number, 'same' from generate_series(1, {ROWS}) as number;"
        )
    });
    sqlx::raw_sql(AssertSqlSafe(copies.concat() + changes))
        .execute(&world.pool)
        .await
        .unwrap();
    world
}

async fn compared(world: &World) -> (TableComparison, Vec<RowDifference>) {
    let (mut one, mut other) = (world.pool.begin().await.unwrap(), world.pool.begin().await.unwrap());
    for transaction in [&mut one, &mut other] {
        sqlx::raw_sql(TEXT_SETTINGS).execute(&mut **transaction).await.unwrap();
    }
    let shape = TableShape::found_in(&mut one, "one").await.unwrap().remove(0);
    assert_eq!((shape.key.len(), shape.columns.len()), (2, 1));
    let mut found = Vec::new();
    let (mut left, mut right) = (
        Side {
            connection: &mut one,
            schema: "one",
        },
        Side {
            connection: &mut other,
            schema: "other",
        },
    );
    let compared = comparison::compare_table(&shape, &mut left, &mut right, |difference| found.push(difference));
    (compared.await.unwrap(), found)
}

#[tokio::test]
async fn of_equal_tables_nothing_is_read_row_by_row() {
    let (comparison, found) = compared(&copies("").await).await;
    assert_eq!(found, []);
    assert_eq!((comparison.left_rows, comparison.ranges), (ROWS, 0));
}

#[tokio::test]
async fn only_the_ranges_that_differ_are_read_row_by_row() {
    let changes = "update other.sample set word = 'another' where number = 1; \
                   delete from one.sample where number = 2; \
                   delete from other.sample where number = 3; \
                   insert into one.sample values ('', 0, 'before all'), ('zzz', 0, 'after all')";
    let (comparison, found) = compared(&copies(changes).await).await;
    let keys: Vec<(&str, bool, bool)> = found
        .iter()
        .map(|found| (found.key.as_str(), found.left.is_some(), found.right.is_some()))
        .collect();
    let keyed = |remainder: u32, number: u32| format!(r#"["it's \\ \"{remainder}", {number}]"#);
    let (first, second, third) = (keyed(1, 1), keyed(2, 2), keyed(3, 3));
    assert_eq!(
        keys,
        [
            (r#"["", 0]"#, true, false),
            (first.as_str(), true, true),
            (second.as_str(), false, true),
            (third.as_str(), true, false),
            (r#"["zzz", 0]"#, true, false),
        ]
    );
    assert!(comparison.ranges > 4, "{comparison:?}");
    assert!(comparison.unequal_ranges < comparison.ranges, "{comparison:?}");
}

#[tokio::test]
async fn a_table_that_lost_everything_differs_in_every_range() {
    for (changes, left) in [("truncate one.sample", 0), ("truncate other.sample", ROWS)] {
        let (comparison, found) = compared(&copies(changes).await).await;
        assert_eq!(found.len() as u64, ROWS, "{changes}");
        assert_eq!(comparison.left_rows, left);
        assert_eq!(comparison.ranges, comparison.unequal_ranges);
    }
}

async fn diff(world: &World, left: &str, right: &str) -> GenerationDiff {
    let scope = DiffScope {
        tables: Vec::new(),
        samples: 3,
    };
    administration::diff(&world.pool, left, right, &scope, |_, _| {})
        .await
        .unwrap()
}

fn table<'a>(diff: &'a GenerationDiff, name: &str) -> &'a TableDiff {
    diff.tables.iter().find(|table| table.table == name).unwrap()
}

#[tokio::test]
async fn two_generations_are_compared_by_table_key_and_column() {
    let world = World::after(decided_at_random(11, 200)).await;
    let other = world.replay("other", ProjectorOptions::default()).await;
    let same = diff(&world, "serving", &other).await;
    assert!(same.equal && same.same_cut && same.tables.len() == 8, "{same:?}");
    assert_eq!(same.name(), diff(&world, "serving", &other).await.name());
    assert_eq!(same.different_rows(), 0);

    let changes = format!(
        "update {other}.task set title = title || '!', priority = 9 - priority; \
         alter table {other}.message add column mood text; \
         alter table {other}.conversation drop column message_count; \
         drop table {other}.execution_log; \
         create table {other}.invented (id uuid primary key); \
         delete from {other}.activity where revision = 0"
    );
    sqlx::raw_sql(AssertSqlSafe(changes))
        .execute(&world.pool)
        .await
        .unwrap();
    let found = diff(&world, "read_models_1", &other).await;
    assert!(!found.equal && found.same_cut);
    let tasks = table(&found, "task");
    assert_eq!(
        tasks.columns,
        [
            ("priority".to_owned(), tasks.changed),
            ("title".to_owned(), tasks.changed)
        ]
        .into()
    );
    assert_eq!(tasks.changed, tasks.left_rows);
    let sample = &tasks.samples[0];
    assert_eq!(
        sample.left.as_object().unwrap().len(),
        2,
        "only what differs: {sample:?}"
    );
    assert_eq!(
        json!(format!("{}!", sample.left["title"].as_str().unwrap())),
        sample.right["title"]
    );
    assert_eq!(table(&found, "message").columns_only_right, ["mood"]);
    assert_eq!(table(&found, "conversation").columns_only_left, ["message_count"]);
    assert_eq!(table(&found, "conversation").changed, 0);
    assert!(
        table(&found, "execution_log")
            .not_compared
            .as_ref()
            .unwrap()
            .contains("only read_models_1")
    );
    assert!(
        table(&found, "invented")
            .not_compared
            .as_ref()
            .unwrap()
            .contains(&format!("only {other}"))
    );
    let activity = table(&found, "activity");
    assert_eq!(
        (activity.only_left, activity.only_right),
        (activity.left_rows - activity.right_rows, 0)
    );
    assert!(activity.only_left > 0);
    assert!(table(&found, "subject").is_equal());
}

#[tokio::test]
async fn generations_at_different_cuts_are_said_to_be_so() {
    let world = World::after(task(1, [created()])).await;
    let other = world.replay("other", ProjectorOptions::default()).await;
    world.append(task(2, [created()])).await;
    world.project(ProjectorOptions::default()).await;
    let found = diff(&world, "serving", &other).await;
    assert!(!found.same_cut && !found.equal);
    assert_eq!(table(&found, "task").only_left, 1);
}

#[tokio::test]
async fn what_does_not_exist_is_not_compared() {
    let world = World::after(task(1, [created()])).await;
    let scope = DiffScope::default();
    let refused = administration::diff(&world.pool, "serving", "read_models_7", &scope, |_, _| {});
    assert!(matches!(
        refused.await.unwrap_err(),
        AdministrationError::Unknown { .. }
    ));
}
