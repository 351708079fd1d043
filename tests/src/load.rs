//! Several clients that give single commands, repeat what was not answered with the same key, and write down what they were
//! told. What a system acknowledged must be in it once, whatever happened meanwhile.

mod audit;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::client::{Client, Reply};
use crate::deadline::{eventually, settled};

/// Longer than a server takes to come back.
const ANSWER_PATIENCE: Duration = Duration::from_mins(1);
/// Every so many messages a client makes a task too.
const MESSAGES_A_TASK: usize = 4;

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
    clients: JoinSet<Record>,
}

/// What clients were told.
#[derive(Debug, Default)]
pub struct Record {
    /// Commands that were done.
    pub acknowledged: Vec<Acknowledged>,
    /// Answers that told of a passing failure: status, code, outcome.
    pub failures: Vec<(u16, String, String)>,
    /// Requests without an answer.
    pub unanswered: usize,
}

/// A command that was done.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// The stream.
    pub stream: String,
    /// The revision that the answer named.
    pub revision: i64,
    /// The one event of the command.
    pub event_type: &'static str,
    /// Where its text is, and the text itself, which no other command has.
    pub text: (&'static str, String),
}

impl Load {
    /// Starts a client's work for each of these callers.
    pub fn start(callers: impl IntoIterator<Item = Client>) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            acknowledged: Arc::default(),
            clients: JoinSet::new(),
        };
        for caller in callers {
            let worker = Worker {
                caller,
                stop: Arc::clone(&load.stop),
                acknowledged: Arc::clone(&load.acknowledged),
                record: Record::default(),
            };
            load.clients.spawn(worker.run());
        }
        load
    }

    /// Waits until so many more commands than now were acknowledged.
    pub async fn goes_on_for(&self, commands: usize) {
        let goal = self.acknowledged.load(Ordering::Relaxed) + commands;
        eventually("commands are acknowledged", ANSWER_PATIENCE, || async {
            assert!(!self.clients.is_empty(), "the clients work");
            (self.acknowledged.load(Ordering::Relaxed) >= goal).then_some(())
        })
        .await;
    }

    /// Lets every client end its current command, and gives all that they wrote down.
    pub async fn finish(mut self) -> Record {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Record::default();
        while let Some(record) = settled("the clients end", ANSWER_PATIENCE, self.clients.join_next()).await {
            let record = record.unwrap();
            all.acknowledged.extend(record.acknowledged);
            all.failures.extend(record.failures);
            all.unanswered += record.unanswered;
        }
        all
    }
}

struct Worker {
    caller: Client,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
    record: Record,
}

impl Worker {
    async fn run(mut self) -> Record {
        let name = Uuid::new_v4();
        let title = format!("conversation of {name}");
        let reply = self.command("/api/conversations", &json!({"title": title})).await;
        let conversation = reply.id();
        self.note(
            format!("conversation-{conversation}"),
            &reply,
            "conversation.started.v1",
            ("title", title),
        );
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            number += 1;
            let content = format!("message {number} of {name}");
            let path = format!("/api/conversations/{conversation}/messages");
            let reply = self.command(&path, &json!({"content": content})).await;
            let stream = format!("conversation-{conversation}");
            self.note(stream, &reply, "conversation.message-sent.v1", ("content", content));
            if number % MESSAGES_A_TASK == 0 {
                let title = format!("task {number} of {name}");
                let reply = self
                    .command("/api/tasks", &json!({"title": title, "description": "d"}))
                    .await;
                self.note(
                    format!("task-{}", reply.id()),
                    &reply,
                    "task.created.v1",
                    ("title", title),
                );
            }
        }
        self.record
    }

    fn note(&mut self, stream: String, reply: &Reply, event_type: &'static str, text: (&'static str, String)) {
        let revision = i64::try_from(reply.revision()).unwrap();
        self.record.acknowledged.push(Acknowledged {
            stream,
            revision,
            event_type,
            text,
        });
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// Repeats a command with its key until it is acknowledged.
    async fn command(&mut self, path: &str, body: &Value) -> Reply {
        let key = Uuid::new_v4().to_string();
        let (caller, key) = (&self.caller, key.as_str());
        let record = std::sync::Mutex::new(&mut self.record);
        eventually("an acknowledgement", ANSWER_PATIENCE, || {
            let request = caller.request(Method::POST, path).key(key).json(body);
            let record = &record;
            async move {
                let answer = request.send().await;
                let mut record = record.lock().unwrap();
                match answer {
                    Ok(reply) if matches!(reply.status, 200 | 201) => return Some(reply),
                    Ok(reply) => record.failures.push(passing_failure(&reply)),
                    Err(_) => record.unanswered += 1,
                }
                None
            }
        })
        .await
    }
}

/// The only failures that a client without fault may meet: those that tell it to come back.
fn passing_failure(reply: &Reply) -> (u16, String, String) {
    let (code, outcome) = (reply.text("code"), reply.text("outcome"));
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(
        !code.is_empty() && matches!(outcome, "unknown" | "not-applied"),
        "{reply:?}"
    );
    assert!(reply.header("retry-after").parse::<u64>().is_ok(), "{reply:?}");
    assert!(
        !reply.body.to_string().contains("postgres"),
        "an answer quotes no server: {reply:?}"
    );
    (reply.status, code.to_owned(), outcome.to_owned())
}
