//! The counters, added up by any of their dimensions.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde_json::Value;

use super::Expectation;

/// What sums can be split by, as GraphQL spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// The UTC day.
    Day,
    /// The type of task.
    Type,
    /// The size of task.
    Complexity,
    /// Where the task stands.
    Status,
    /// The owner of the task, or of the conversation for messages.
    Owner,
}

impl Dimension {
    /// The value of `groupBy`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "DAY",
            Self::Type => "TYPE",
            Self::Complexity => "COMPLEXITY",
            Self::Status => "STATUS",
            Self::Owner => "OWNER",
        }
    }

    const fn member(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Type => "type",
            Self::Complexity => "complexity",
            Self::Status => "status",
            Self::Owner => "ownerId",
        }
    }
}

/// The counters of one group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Tasks.
    pub tasks: i64,
    /// Executions.
    pub executions: i64,
    /// Messages.
    pub messages: i64,
    /// Files touched.
    pub files_changed: i64,
    /// Lines added.
    pub lines_added: i64,
    /// Lines removed.
    pub lines_removed: i64,
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.tasks += other.tasks;
        self.executions += other.executions;
        self.messages += other.messages;
        self.files_changed += other.files_changed;
        self.lines_added += other.lines_added;
        self.lines_removed += other.lines_removed;
    }
}

/// The sums by the values of the chosen dimensions; a message has neither type, complexity nor status.
pub type Groups = BTreeMap<Vec<Option<String>>, Sums>;

impl Expectation {
    /// The counters, split by these dimensions.
    pub fn statistics(&self, group_by: &[Dimension]) -> Groups {
        let mut groups = Groups::new();
        for task in self.tasks.values() {
            let key = group_by.iter().map(|dimension| {
                Some(match dimension {
                    Dimension::Day => task.at.date_naive().to_string(),
                    Dimension::Type => task.task_type.clone(),
                    Dimension::Complexity => task.complexity.clone(),
                    Dimension::Status => "COMPLETED".to_owned(),
                    Dimension::Owner => task.owner.clone(),
                })
            });
            *groups.entry(key.collect()).or_default() += Sums {
                tasks: 1,
                executions: 1,
                messages: 0,
                files_changed: task.files_changed,
                lines_added: task.lines_added,
                lines_removed: task.lines_removed,
            };
        }
        for conversation in self.conversations.values() {
            for message in &conversation.messages {
                let key = group_by.iter().map(|dimension| match dimension {
                    Dimension::Day => Some(message.at.date_naive().to_string()),
                    Dimension::Owner => Some(conversation.owner.clone()),
                    Dimension::Type | Dimension::Complexity | Dimension::Status => None,
                });
                *groups.entry(key.collect()).or_default() += Sums {
                    messages: 1,
                    ..Sums::default()
                };
            }
        }
        groups
    }
}

/// The same of an answer of GraphQL's field `statistics`.
pub fn statistics_of_answer(rows: &Value, group_by: &[Dimension]) -> Groups {
    let mut groups = Groups::new();
    for row in rows.as_array().unwrap() {
        let key = group_by
            .iter()
            .map(|dimension| row[dimension.member()].as_str().map(str::to_owned));
        let number = |name: &str| row[name].as_i64().unwrap();
        assert_eq!(
            (number("tokensUsed"), number("costMicroUsd")),
            (0, 0),
            "a commit costs nothing: {row}"
        );
        let sums = Sums {
            tasks: number("tasks"),
            executions: number("executions"),
            messages: number("messages"),
            files_changed: number("filesChanged"),
            lines_added: number("linesAdded"),
            lines_removed: number("linesRemoved"),
        };
        assert!(
            groups.insert(key.collect(), sums).is_none(),
            "a group comes once: {row}"
        );
    }
    groups
}
