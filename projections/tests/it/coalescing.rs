//! Coalesced operations do what the operations do one by one, however the batch is split.

use projections::coalesce::{CoalescedChanges, OperationFault, Row, RowChange};
use projections::operation::{RowOperation, TargetedOperation};
use projections::table::{Column, TableDefinition, TableKind};
use projections::value::{ColumnType, Value};
use proptest::prelude::*;

static TABLE: TableDefinition = TableDefinition {
    name: "sample",
    key: &[Column::required("id", ColumnType::Int)],
    columns: &[
        Column::counter("hits"),
        Column::nullable("note", ColumnType::Text),
        Column::counter("misses"),
    ],
    kind: TableKind::Rows,
};

static STRICT: TableDefinition = TableDefinition {
    name: "strict",
    key: &[Column::required("id", ColumnType::Int)],
    columns: &[Column::required("title", ColumnType::Text), Column::counter("hits")],
    kind: TableKind::Rows,
};

static SUMS: TableDefinition = TableDefinition {
    name: "sums",
    key: &[Column::required("id", ColumnType::Int)],
    columns: &[Column::counter("hits"), Column::counter("misses")],
    kind: TableKind::Sums,
};

static APPENDS: TableDefinition = TableDefinition {
    name: "appends",
    key: &[Column::required("id", ColumnType::Int)],
    columns: &[Column::nullable("note", ColumnType::Text)],
    kind: TableKind::Appends,
};

/// What each operation means, said without the coalescer.
fn meaning(row: Option<Row>, operation: &RowOperation) -> Option<Row> {
    let place = |name: &str| TABLE.column(name).unwrap();
    let fresh = || vec![Value::Int(0), Value::Null, Value::Int(0)];
    match operation {
        RowOperation::Delete => None,
        RowOperation::Insert(columns) | RowOperation::Create(columns) => {
            let mut row = fresh();
            for (name, value) in columns {
                row[place(name)] = value.clone();
            }
            Some(row)
        }
        RowOperation::Patch(columns) => row.map(|mut row| {
            for (name, value) in columns {
                row[place(name)] = value.clone();
            }
            row
        }),
        RowOperation::Increment(deltas) => {
            let mut row = row.unwrap_or_else(fresh);
            for (name, delta) in deltas {
                let Value::Int(number) = &mut row[place(name)] else {
                    panic!("not a number")
                };
                *number += delta;
            }
            Some(row)
        }
    }
}

fn operation() -> impl Strategy<Value = RowOperation> {
    let number = -5_i64..5;
    let value = prop_oneof![
        number.clone().prop_map(|number| ("hits", Value::Int(number))),
        number.clone().prop_map(|number| ("misses", Value::Int(number))),
        "[a-c]".prop_map(|note| ("note", Value::Text(note))),
        Just(("note", Value::Null)),
    ];
    let delta = prop_oneof![
        number.clone().prop_map(|delta| ("hits", delta)),
        number.prop_map(|delta| ("misses", delta)),
    ];
    let columns = prop::collection::vec(value, 0..4);
    prop_oneof![
        columns.clone().prop_map(RowOperation::Insert),
        columns.prop_map(RowOperation::Patch),
        prop::collection::vec(delta, 0..3).prop_map(RowOperation::Increment),
        Just(RowOperation::Delete),
    ]
}

fn coalesced(table: &'static TableDefinition, operations: &[RowOperation]) -> RowChange {
    let mut change = RowChange::NOTHING;
    for operation in operations {
        change.then(table, operation.clone()).unwrap();
    }
    change
}

fn any_row() -> impl Strategy<Value = Option<Row>> {
    prop::option::of(
        (-5_i64..5, prop::option::of("[a-c]"), -5_i64..5).prop_map(|(hits, note, misses)| {
            vec![
                Value::Int(hits),
                note.map_or(Value::Null, Value::Text),
                Value::Int(misses),
            ]
        }),
    )
}

proptest! {
    #[test]
    fn coalesced_operations_equal_the_operations_one_by_one(
        row in any_row(),
        operations in prop::collection::vec(operation(), 0..12),
    ) {
        let one_by_one = operations.iter().fold(row.clone(), meaning);
        prop_assert_eq!(coalesced(&TABLE, &operations).apply(&TABLE, row), one_by_one);
    }

    #[test]
    fn every_split_of_a_batch_gives_the_same_row(
        row in any_row(),
        operations in prop::collection::vec(operation(), 0..12),
        cuts in prop::collection::vec(0_usize..12, 0..4),
    ) {
        let whole = coalesced(&TABLE, &operations).apply(&TABLE, row.clone());
        let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut <= operations.len()).collect();
        cuts.extend([0, operations.len()]);
        cuts.sort_unstable();
        let split = cuts.windows(2).fold(row, |row, cut| coalesced(&TABLE, &operations[cut[0]..cut[1]]).apply(&TABLE, row));
        prop_assert_eq!(split, whole);
    }

    #[test]
    fn a_new_row_may_be_changed_and_removed_in_the_same_batch_or_later(
        columns in prop::collection::vec("[a-c]", 0..2),
        operations in prop::collection::vec(operation(), 0..8),
        cut in 0_usize..8,
    ) {
        let columns = columns.into_iter().map(|note| ("note", Value::Text(note))).collect();
        let operations: Vec<_> = std::iter::once(RowOperation::Create(columns)).chain(operations).collect();
        let one_by_one = operations.iter().fold(None, meaning);
        prop_assert_eq!(coalesced(&TABLE, &operations).apply(&TABLE, None), one_by_one.clone());
        let (first, second) = operations.split_at((cut + 1).min(operations.len()));
        let between = coalesced(&TABLE, first).apply(&TABLE, None);
        prop_assert_eq!(coalesced(&TABLE, second).apply(&TABLE, between), one_by_one);
    }

    #[test]
    fn an_insert_done_again_changes_nothing(row in any_row(), columns in prop::collection::vec("[a-c]", 0..2)) {
        let columns = columns.into_iter().map(|note| ("note", Value::Text(note))).collect();
        let insert = coalesced(&TABLE, &[RowOperation::Insert(columns)]);
        let once = insert.apply(&TABLE, row);
        prop_assert_eq!(insert.apply(&TABLE, once.clone()), once);
    }
}

#[test]
fn a_key_is_appended_once() {
    let mut changes = CoalescedChanges::default();
    let append = TargetedOperation {
        table: &APPENDS,
        key: vec![Value::Int(1)],
        operation: RowOperation::Create(Vec::new()),
    };
    assert_eq!(changes.add(append.clone()), Ok(()));
    assert_eq!(changes.add(append), Err(OperationFault::WrongKind { table: "appends" }));
}

fn increments() -> impl Strategy<Value = Vec<RowOperation>> {
    let delta = (prop_oneof![Just("hits"), Just("misses")], -2_i64..3);
    let increment = prop::collection::vec(delta, 0..3).prop_map(RowOperation::Increment);
    prop::collection::vec(increment, 0..12)
}

proptest! {
    #[test]
    fn which_sums_have_a_row_does_not_depend_on_the_split(operations in increments(), cut in 0_usize..12) {
        let whole = coalesced(&SUMS, &operations).apply(&SUMS, None);
        let (first, second) = operations.split_at(cut.min(operations.len()));
        let between = coalesced(&SUMS, first).apply(&SUMS, None);
        prop_assert_eq!(coalesced(&SUMS, second).apply(&SUMS, between), whole);
    }
}

#[test]
fn increments_that_cancel_out_write_nothing() {
    let mut changes = CoalescedChanges::default();
    for (key, delta) in [(1, 3), (2, 1), (1, -3)] {
        let operation = RowOperation::Increment(vec![("hits", delta)]);
        let key = vec![Value::Int(key)];
        changes
            .add(TargetedOperation {
                table: &SUMS,
                key,
                operation,
            })
            .unwrap();
    }
    let keys: Vec<_> = changes
        .into_tables()
        .flat_map(|(_, rows)| rows)
        .map(|(key, _)| key)
        .collect();
    assert_eq!(keys, [vec![Value::Int(2)]]);
}

fn fault(table: &'static TableDefinition, key: Value, operation: RowOperation) -> Option<OperationFault> {
    CoalescedChanges::default()
        .add(TargetedOperation {
            table,
            key: vec![key],
            operation,
        })
        .err()
}

#[test]
fn impossible_operations_are_refused() {
    let key = Value::Int(1);
    let unknown = fault(&TABLE, key.clone(), RowOperation::Patch(vec![("colour", Value::Null)]));
    assert_eq!(
        unknown,
        Some(OperationFault::UnknownColumn {
            table: "sample",
            column: "colour"
        })
    );
    let wrong_type = fault(&TABLE, key.clone(), RowOperation::Patch(vec![("hits", "many".into())]));
    assert_eq!(
        wrong_type,
        Some(OperationFault::WrongType {
            table: "sample",
            column: "hits"
        })
    );
    let null = fault(&STRICT, key.clone(), RowOperation::Patch(vec![("title", Value::Null)]));
    assert_eq!(
        null,
        Some(OperationFault::WrongType {
            table: "strict",
            column: "title"
        })
    );
    let missing = fault(&STRICT, key.clone(), RowOperation::Insert(Vec::new()));
    assert_eq!(
        missing,
        Some(OperationFault::MissingColumn {
            table: "strict",
            column: "title"
        })
    );
    let wrong_key = fault(&TABLE, "one".into(), RowOperation::Delete);
    assert_eq!(wrong_key, Some(OperationFault::WrongKey { table: "sample" }));
    let not_a_sum = fault(&SUMS, key.clone(), RowOperation::Delete);
    assert_eq!(not_a_sum, Some(OperationFault::WrongKind { table: "sums" }));
    let not_an_append = fault(&APPENDS, key.clone(), RowOperation::Patch(Vec::new()));
    assert_eq!(not_an_append, Some(OperationFault::WrongKind { table: "appends" }));
    let not_a_counter = fault(&TABLE, key, RowOperation::Increment(vec![("note", 1)]));
    assert_eq!(
        not_a_counter,
        Some(OperationFault::NotACounter {
            table: "sample",
            column: "note"
        })
    );
}
