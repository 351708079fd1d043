//! What a rebuild is made of: the events of tasks, and one row a task.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What to rebuild from.
#[derive(Debug, Clone, Args)]
pub struct Plan {
    /// Lines of JSON, those of a stream one after the other.
    #[arg(long)]
    events: PathBuf,
}

/// One event of a task, with everything that our own log has in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskEvent {
    /// The task's stream.
    pub stream: String,
    /// `task.created.v1` and so on.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    pub time: String,
    /// What happened.
    pub data: Value,
}

/// One row of the read model.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct TaskRow {
    pub title: String,
    pub owner_id: String,
    pub status: String,
    pub task_type: Option<String>,
    pub complexity: Option<String>,
    pub attempts: i64,
    pub lines_added: i64,
    pub created_at: String,
    pub updated_at: String,
}

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Events that were there.
    events: u64,
    per_second: f64,
    /// Rows, and those of them whose task is done: as many as there are tasks.
    tasks: i64,
    completed: i64,
}

impl Plan {
    /// The events, by stream.
    pub fn streams(&self) -> Result<Vec<Vec<TaskEvent>>> {
        let mut streams: Vec<Vec<TaskEvent>> = Vec::new();
        for line in BufReader::new(File::open(&self.events)?).lines() {
            let event: TaskEvent = serde_json::from_str(&line?).context("an event that cannot be read")?;
            match streams.last_mut() {
                Some(stream) if stream.last().is_some_and(|last| last.stream == event.stream) => stream.push(event),
                _ => streams.push(vec![event]),
            }
        }
        Ok(streams)
    }
}

impl TaskRow {
    /// The row after an event.
    pub fn apply(&mut self, event: &TaskEvent) {
        let text = |name: &str| {
            event
                .data
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        event.time.clone_into(&mut self.updated_at);
        match event.event_type.as_str() {
            "task.created.v1" => {
                self.title = text("title");
                self.owner_id = text("ownerId");
                self.status = "pending".to_owned();
                event.time.clone_into(&mut self.created_at);
            }
            "task.classified.v1" => {
                self.task_type = Some(text("type"));
                self.complexity = Some(text("complexity"));
            }
            "task.execution-started.v1" => {
                self.status = "in-progress".to_owned();
                self.attempts += 1;
            }
            "task.execution-completed.v1" => {
                self.status = "completed".to_owned();
                self.lines_added = event.data.get("linesAdded").and_then(Value::as_i64).unwrap_or_default();
            }
            _ => {}
        }
    }
}

impl Report {
    /// Of so many events in that time; `counted` are the rows and those that are completed.
    pub fn new(events: u64, taken: Duration, counted: (i64, i64)) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "far below where a double counts in steps")]
        let per_second = events as f64 / taken.as_secs_f64();
        Self {
            events,
            per_second,
            tasks: counted.0,
            completed: counted.1,
        }
    }
}
