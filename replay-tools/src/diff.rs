//! What differs between two generations, for people.

use projections::comparison::diff::{DiffSide, GenerationDiff, TableDiff};
use serde_json::Value;

/// Tables without a difference are left out.
pub(crate) fn to_text(diff: &GenerationDiff) -> String {
    let (left, right) = (&diff.left.generation, &diff.right.generation);
    let mut text = String::new();
    if diff.same_cut {
        text.extend([format!("{left} and {right}, at the same cut\n")]);
    } else {
        text.extend([format!(
            "{left} ({}) and {right} ({}): they do not cover the same, so events that only one of them covers differ too\n",
            covers(&diff.left),
            covers(&diff.right)
        )]);
    }
    for table in diff.tables.iter().filter(|table| !table.is_equal()) {
        text.push_str(&table_text(table, left, right));
    }
    if diff.equal {
        let rows: u64 = diff.tables.iter().map(|table| table.left_rows).sum();
        text.extend([format!(
            "no difference in {rows} rows of {} tables\n",
            diff.tables.len()
        )]);
    }
    text
}

fn covers(side: &DiffSide) -> String {
    let offsets: Vec<String> = side
        .cut
        .iter()
        .map(|(partition, next)| format!("{partition}:{next}"))
        .collect();
    format!("covers {}", offsets.join(" "))
}

fn table_text(table: &TableDiff, left: &str, right: &str) -> String {
    if let Some(reason) = &table.not_compared {
        return format!("{}: {reason}\n", table.table);
    }
    let mut text = format!(
        "{}: {} changed, {} only in {left}, {} only in {right} (of {} and {} rows)\n",
        table.table, table.changed, table.only_left, table.only_right, table.left_rows, table.right_rows
    );
    for (side, columns) in [(left, &table.columns_only_left), (right, &table.columns_only_right)] {
        if !columns.is_empty() {
            text.extend([format!("  only {side} has {}; not compared\n", columns.join(", "))]);
        }
    }
    for (column, times) in &table.columns {
        text.extend([format!("  {column}: {times} times\n")]);
    }
    for sample in &table.samples {
        let row = |row: &Value| {
            if row.is_null() {
                "no row".to_owned()
            } else {
                row.to_string()
            }
        };
        text.extend([format!(
            "  {}\n    {left}: {}\n    {right}: {}\n",
            sample.key,
            row(&sample.left),
            row(&sample.right)
        )]);
    }
    text
}
