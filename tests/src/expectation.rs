//! What a system must show after the import of a history, computed from the file and the sentences of the backfill alone.
//! It shares no code with the product, on purpose: two wrongs would agree.

mod statistics;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use statistics::{Dimension, Groups, Sums, statistics_of_answer};

/// The tasks and the conversations that a history becomes.
#[derive(Debug, Default)]
pub struct Expectation {
    /// One task a commit, by the commit's hash.
    pub tasks: BTreeMap<String, ExpectedTask>,
    /// By scope (empty: none) and month; one repository only.
    pub conversations: BTreeMap<(String, String), ExpectedConversation>,
}

/// A finished task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedTask {
    /// The subject, cut.
    pub title: String,
    /// The body, or the subject.
    pub description: String,
    /// As GraphQL spells it.
    pub task_type: String,
    /// As GraphQL spells it.
    pub complexity: String,
    /// The author of the commit.
    pub owner: String,
    /// The commit's time.
    pub at: DateTime<Utc>,
    /// Files touched.
    pub files_changed: i64,
    /// Lines added.
    pub lines_added: i64,
    /// Lines removed.
    pub lines_removed: i64,
    /// The title of its conversation.
    pub conversation: String,
}

/// A conversation with its messages in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedConversation {
    /// `scope (2024-05)` or `repo (2024-05)`.
    pub title: String,
    /// The first author seen.
    pub owner: String,
    /// One a commit.
    pub messages: Vec<ExpectedMessage>,
}

/// A message of role user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedMessage {
    /// Who wrote the commit.
    pub author: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The subject.
    pub content: String,
}

impl Expectation {
    /// Of the lines of a history.
    pub fn of(lines: &[String]) -> Self {
        let mut expectation = Self::default();
        for line in lines {
            expectation.add(&serde_json::from_str(line).unwrap());
        }
        assert_eq!(
            expectation.tasks.len(),
            lines.len(),
            "each commit is in the history once"
        );
        expectation
    }

    fn add(&mut self, commit: &Value) {
        let text = |name: &str| commit[name].as_str().unwrap().to_owned();
        let number = |name: &str| commit[name].as_i64().unwrap();
        let at = DateTime::parse_from_rfc3339(&text("at")).unwrap().with_timezone(&Utc);
        let (author, subject, body) = (text("author"), text("subject"), text("body"));
        let month = at.format("%Y-%m").to_string();
        let scope = commit["scope"].as_str().unwrap_or_default().to_owned();
        let about = if scope.is_empty() { text("repo") } else { scope.clone() };
        let title = format!("{about} ({month})");

        let conversation = self
            .conversations
            .entry((scope, month))
            .or_insert_with(|| ExpectedConversation {
                title: title.clone(),
                owner: author.clone(),
                messages: Vec::new(),
            });
        conversation.messages.push(ExpectedMessage {
            author: author.clone(),
            at,
            content: cut(&subject, 10_000),
        });

        let (added, removed) = (number("lines_added"), number("lines_removed"));
        let task = ExpectedTask {
            title: cut(&subject, 200),
            description: cut(if body.is_empty() { &subject } else { &body }, 10_000),
            task_type: task_type(commit["type"].as_str()).to_owned(),
            complexity: complexity(added + removed).to_owned(),
            owner: author,
            at,
            files_changed: number("files_changed"),
            lines_added: added,
            lines_removed: removed,
            conversation: title,
        };
        self.tasks.insert(text("sha"), task);
    }

    /// How many commands were applied for it: one a conversation, and for each commit a message and four of its task's life.
    pub fn events(&self) -> i64 {
        i64::try_from(self.conversations.len() + 5 * self.tasks.len()).unwrap()
    }
}

fn task_type(commit_type: Option<&str>) -> &'static str {
    match commit_type {
        Some("fix") => "BUG_FIX",
        Some("feat" | "enhancement") => "FEATURE",
        Some("docs") => "DOCUMENTATION",
        Some("test" | "tests") => "TEST",
        Some("ci" | "build" | "chore") => "DEPLOYMENT",
        Some("refactor" | "perf" | "style" | "revert") => "REFACTOR",
        None => "UNSURE",
        Some(other) => panic!("the backfill says nothing about type {other}"),
    }
}

fn complexity(lines_changed: i64) -> &'static str {
    if lines_changed <= 20 {
        "SIMPLE"
    } else if lines_changed <= 200 {
        "MEDIUM"
    } else if lines_changed <= 1_000 {
        "COMPLEX"
    } else {
        "EPIC"
    }
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
