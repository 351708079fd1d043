//! Generations for people.

use chrono::{DateTime, Utc};
use projections::administration::{GenerationRecord, Promotion};

use crate::columns;

const HEADINGS: [&str; 8] = [
    "GENERATION",
    "STATE",
    "MADE FOR",
    "DONE",
    "BEHIND",
    "LEVEL SINCE",
    "KEPT UNTIL",
    "MODELS",
];

pub(super) fn render(generations: &[GenerationRecord]) -> String {
    columns::render(HEADINGS, generations.iter().map(row))
}

fn row(generation: &GenerationRecord) -> [String; 8] {
    let models = generation.models.iter();
    let models: Vec<String> = models
        .map(|model| format!("{} v{}", model.name, model.version))
        .collect();
    [
        generation.name.as_ref().unwrap_or(&generation.generation).clone(),
        generation.state.clone(),
        generation.model.clone().unwrap_or_else(|| generation.purpose.clone()),
        format!("{} %", percent(generation)),
        generation.behind.to_string(),
        generation.level_at.map_or_else(|| "-".to_owned(), moment),
        generation.expires_at.map_or_else(|| "-".to_owned(), moment),
        models.join(", "),
    ]
}

/// Rounded down: a hundred means complete.
pub(super) fn percent(generation: &GenerationRecord) -> u64 {
    let covered = generation.records.saturating_sub(generation.behind);
    (covered * 100).checked_div(generation.records).unwrap_or(100)
}

pub(super) fn promotion(done: &Promotion) -> String {
    if let Some(model) = &done.model {
        return format!(
            "{model} of {} has joined {}, which was held for {} ms; {} keeps the tables that it had, for going back: coding-agent projections rollback\n",
            done.before, done.serving, done.held_ms, done.before
        );
    }
    format!(
        "{} serves now; {} is kept level for going back: coding-agent projections rollback\n",
        done.serving, done.before
    )
}

pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}
