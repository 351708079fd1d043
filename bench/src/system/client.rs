//! One user with one connection, who does one thing at a time.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::http_connection::{HttpAnswer, HttpConnection};
use super::{Installation, Instance};

const LEVEL_WITHIN: Duration = Duration::from_mins(2);

/// A connection and the tokens for it.
pub(crate) struct Client {
    connection: HttpConnection,
    admin: String,
    /// Has no rate limit, like the importer.
    service: String,
    owner: Uuid,
}

/// A task that was made.
pub(crate) struct CreatedTask {
    pub(crate) id: String,
    /// What a reader gives to see it.
    pub(crate) position: String,
}

impl Client {
    pub(crate) async fn connect(installation: &Installation, instance: &Instance) -> Result<Self> {
        Ok(Self {
            connection: HttpConnection::open(instance.port).await?,
            admin: installation.token("admin")?,
            service: installation.token("service")?,
            owner: Uuid::new_v4(),
        })
    }

    /// What [`Self::create_task`] sends, so that making it is not part of a figure.
    pub(crate) fn task(&self, number: usize) -> Vec<u8> {
        let body = json!({
            "title": format!("Measure command {number}"),
            "description": "A task as long as an ordinary one: the first line says what is wrong, the next ones how to see it, \
                            and the last what should be there instead. Nobody will work on it.",
            "ownerId": self.owner,
            "type": "bug-fix",
            "complexity": "simple",
        });
        body.to_string().into_bytes()
    }

    /// Sends a command and waits until it is accepted.
    pub(crate) async fn send_task(&mut self, body: &[u8]) -> Result<HttpAnswerBody> {
        let answer = self.connection.post("/api/tasks", &self.service, body).await?;
        checked(answer, 201, "POST /api/tasks").map(HttpAnswerBody)
    }

    /// Whether GraphQL shows the task to one who has seen `position`.
    pub(crate) async fn shows(&mut self, task: &CreatedTask) -> Result<bool> {
        let request = json!({
            "query": "query ($id: ID!) { task(id: $id) { id title status } }",
            "variables": { "id": task.id },
            "extensions": { "after": task.position },
        });
        let answer = self.query(&request).await?;
        Ok(answer["data"]["task"]["id"] == task.id.as_str())
    }

    /// Asks GraphQL; an answer with errors is one.
    pub(crate) async fn query(&mut self, request: &Value) -> Result<Value> {
        let request = request.to_string().into_bytes();
        let answer = self.connection.post("/graphql", &self.admin, &request).await?;
        let answer: Value = serde_json::from_slice(&checked(answer, 200, "POST /graphql")?)?;
        ensure!(answer.get("errors").is_none(), "GraphQL answers {answer}");
        Ok(answer)
    }

    /// Waits until no read model is behind the log. Each look costs the system time and memory (on Kafka it may read the
    /// log for the age of what is missing), so `every` is a trade of precision against disturbance.
    pub(crate) async fn wait_level(&mut self, every: Duration) -> Result<Duration> {
        self.wait_level_within(every, LEVEL_WITHIN).await
    }

    /// The same, for a log so long that it takes longer.
    pub(crate) async fn wait_level_within(&mut self, every: Duration, within: Duration) -> Result<Duration> {
        let started = Instant::now();
        loop {
            let answer = self.connection.get("/api/status", Some(&self.admin)).await?;
            let status: Value = serde_json::from_slice(&checked(answer, 200, "GET /api/status")?)?;
            let generations = status["generations"].as_array().context("no generations")?;
            let level = |generation: &Value| generation["lagOffsets"] == 0;
            if !generations.is_empty() && generations.iter().all(level) {
                return Ok(started.elapsed());
            }
            ensure!(
                started.elapsed() < within,
                "the read models are not level in time: {status}"
            );
            sleep(every).await;
        }
    }
}

/// An answer that is read after the clock was.
pub(crate) struct HttpAnswerBody(Vec<u8>);

impl HttpAnswerBody {
    pub(crate) fn task(&self) -> Result<CreatedTask> {
        let answer: Value = serde_json::from_slice(&self.0)?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        Ok(CreatedTask {
            id: text("id").context("an answer without id")?,
            position: text("position").context("an answer without position")?,
        })
    }
}

/// Errors are answered fast: a bench that went on would measure them.
fn checked(answer: HttpAnswer, wanted: u16, what: &str) -> Result<Vec<u8>> {
    let HttpAnswer { status, body } = answer;
    ensure!(
        status == wanted,
        "{what} answers {status}: {}",
        String::from_utf8_lossy(&body)
    );
    Ok(body.into())
}
