//! The status as a table for people.

use crate::status::{GenerationStatus, SystemStatus};

const HEADINGS: [&str; 5] = ["GENERATION", "STATE", "LAG", "SECONDS", "MODELS"];

pub(super) fn render(status: &SystemStatus) -> String {
    let end: Vec<String> = status
        .log_end
        .iter()
        .map(|(partition, offset)| format!("{partition}:{offset}"))
        .collect();
    let mut rows: Vec<[String; 5]> = vec![HEADINGS.map(str::to_owned)];
    rows.extend(status.generations.iter().map(row));
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = format!(
        "log {}, epoch {}, end {}\n\n",
        status.log_kind,
        status.epoch,
        end.join(" ")
    );
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn row(generation: &GenerationStatus) -> [String; 5] {
    let models: Vec<String> = generation
        .models
        .iter()
        .map(|model| format!("{} v{}", model.name, model.version))
        .collect();
    [
        generation.schema.clone(),
        generation.state.clone(),
        generation.lag_offsets.to_string(),
        generation
            .lag_seconds
            .map_or_else(|| "?".to_owned(), |seconds| format!("{seconds:.1}")),
        models.join(", "),
    ]
}
