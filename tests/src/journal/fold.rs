//! The read models, folded from the journal by a second, simple hand, and the same read from the tables.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, PgPool};

use crate::rows::serving_schema;

/// What the tests look at of each read model.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// Title, status, messages, revision.
    pub conversations: BTreeMap<Uuid, (String, String, i64, i64)>,
    /// Content, by conversation and revision.
    pub messages: BTreeMap<(Uuid, i64), String>,
    /// Title, status, type, lines added, revision.
    pub tasks: BTreeMap<Uuid, (String, String, Option<String>, i64, i64)>,
}

impl Fold {
    /// Of the journal.
    pub async fn of_journal(pool: &PgPool) -> Self {
        let sql = "select stream::text, revision, type::text, data from journal.events order by position";
        let events: Vec<(String, i64, String, Value)> = sqlx::query_as(sql).fetch_all(pool).await.unwrap();
        let mut fold = Self::default();
        for (stream, revision, event_type, data) in events {
            let (category, id) = stream.split_once('-').unwrap();
            match category {
                "conversation" => fold.conversation(id.parse().unwrap(), revision, &event_type, &data),
                "task" => fold.task(id.parse().unwrap(), revision, &event_type, &data),
                other => panic!("no test makes streams of {other}"),
            }
        }
        fold
    }

    fn conversation(&mut self, id: Uuid, revision: i64, event_type: &str, data: &Value) {
        let row = self.conversations.entry(id).or_default();
        match event_type {
            "conversation.started.v1" => (row.0, row.1) = (text(data, "title"), "active".to_owned()),
            "conversation.renamed.v1" => row.0 = text(data, "title"),
            "conversation.message-sent.v1" => {
                row.2 += 1;
                self.messages.insert((id, revision), text(data, "content"));
            }
            "conversation.archived.v1" => "archived".clone_into(&mut row.1),
            "conversation.deleted.v1" => "deleted".clone_into(&mut row.1),
            other => panic!("no test makes {other}"),
        }
        row.3 = revision;
    }

    fn task(&mut self, id: Uuid, revision: i64, event_type: &str, data: &Value) {
        let row = self.tasks.entry(id).or_default();
        match event_type {
            "task.created.v1" => (row.0, row.1) = (text(data, "title"), "pending".to_owned()),
            "task.amended.v1" => row.0 = text(data, "title"),
            "task.classified.v1" => (row.1, row.2) = ("pending".to_owned(), Some(text(data, "type"))),
            "task.execution-started.v1" => "in-progress".clone_into(&mut row.1),
            "task.execution-completed.v1" => {
                "completed".clone_into(&mut row.1);
                row.3 += data["linesAdded"].as_i64().unwrap();
            }
            other => panic!("no test makes {other}"),
        }
        row.4 = revision;
    }

    /// Of the serving tables.
    pub async fn of_read_models(pool: &PgPool) -> Self {
        let schema = serving_schema(pool).await;
        let sql = AssertSqlSafe(format!(
            "select id, title, status, message_count, revision from {schema}.conversation"
        ));
        let rows: Vec<(Uuid, String, String, i64, i64)> = sqlx::query_as(sql).fetch_all(pool).await.unwrap();
        let conversations = rows
            .into_iter()
            .map(|(id, title, status, messages, revision)| (id, (title, status, messages, revision)));
        let sql = AssertSqlSafe(format!(
            "select conversation_id, sequence, content from {schema}.message"
        ));
        let messages: Vec<(Uuid, i64, String)> = sqlx::query_as(sql).fetch_all(pool).await.unwrap();
        let sql = AssertSqlSafe(format!(
            "select id, title, status, type, lines_added, revision from {schema}.task"
        ));
        let rows: Vec<(Uuid, String, String, Option<String>, i64, i64)> =
            sqlx::query_as(sql).fetch_all(pool).await.unwrap();
        let tasks = rows
            .into_iter()
            .map(|(id, title, status, task_type, lines, revision)| (id, (title, status, task_type, lines, revision)));
        Self {
            conversations: conversations.collect(),
            messages: messages
                .into_iter()
                .map(|(id, sequence, content)| ((id, sequence), content))
                .collect(),
            tasks: tasks.collect(),
        }
    }

    /// Fails unless the read models show what the journal says.
    pub async fn assert_projected(pool: &PgPool) {
        let (journal, tables) = (Self::of_journal(pool).await, Self::of_read_models(pool).await);
        assert_eq!(
            journal.conversations, tables.conversations,
            "conversations are as the journal says"
        );
        assert_eq!(journal.messages, tables.messages, "messages are as the journal says");
        assert_eq!(journal.tasks, tables.tasks, "tasks are as the journal says");
    }
}

fn text(data: &Value, member: &str) -> String {
    data[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member} in {data}"))
        .to_owned()
}
