//! The status as a table for people.

use crate::columns;
use crate::status::{GenerationStatus, SystemStatus};

const HEADINGS: [&str; 5] = ["GENERATION", "STATE", "LAG", "SECONDS", "MODELS"];

pub(super) fn render(status: &SystemStatus) -> String {
    let mut text = format!(
        "log {}, epoch {}, {}\n",
        status.log_kind,
        status
            .epoch
            .as_str()
            .map_or_else(|| status.epoch.to_string(), str::to_owned),
        end_of(status)
    );
    if let Some(guard) = &status.guard {
        if let Some(stop) = &guard.stopped {
            let until = if stop.is_final {
                "for good"
            } else {
                "until it is mended"
            };
            text.extend(["writes are stopped ", until, ": ", &stop.reason, "\n"]);
        }
        for advice in &guard.advice {
            text.extend(["advice: ", advice, "\n"]);
        }
    }
    text.push('\n');
    text.push_str(&columns::render(HEADINGS, status.generations.iter().map(row)));
    text
}

/// The partitions of an embedded log share their offsets; one number says it for all.
fn end_of(status: &SystemStatus) -> String {
    let partitions = status.log_end.len();
    let mut offsets = status.log_end.values();
    match offsets.next() {
        Some(first) if partitions > 1 && offsets.all(|offset| offset == first) => {
            format!("end {first} in each of {partitions} partitions")
        }
        _ => {
            let mut ends: Vec<(u64, String)> = status
                .log_end
                .iter()
                .map(|(partition, offset)| (partition.parse().unwrap_or(u64::MAX), format!("{partition}:{offset}")))
                .collect();
            ends.sort();
            let ends: Vec<String> = ends.into_iter().map(|(_, end)| end).collect();
            format!("end {}", ends.join(" "))
        }
    }
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
