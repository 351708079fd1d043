//! The read models, each in its own file beside its tables.

use crate::projector::Projector;

mod activity;
mod conversation;
mod execution;
mod message;
mod statistics;
mod task;

pub use activity::ActivityProjector;
pub use conversation::ConversationProjector;
pub use execution::{EXECUTION_LOG_LINES, ExecutionProjector};
pub use message::MessageProjector;
pub use statistics::StatisticsProjector;
pub use task::TaskProjector;

/// Characters of a preview or summary.
const PREVIEW_CHARACTERS: usize = 120;

/// All read models of the platform.
pub fn all() -> Vec<Box<dyn Projector>> {
    vec![
        Box::new(ConversationProjector),
        Box::new(MessageProjector),
        Box::new(TaskProjector),
        Box::new(ExecutionProjector),
        Box::new(ActivityProjector),
        Box::new(StatisticsProjector),
    ]
}

fn preview(text: &str) -> String {
    text.chars().take(PREVIEW_CHARACTERS).collect()
}
