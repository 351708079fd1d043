//! What a client asks for next. Some of it will conflict, some will be refused, and of some there is nothing to do.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::board::{Board, HOT};

/// Titles that several clients give, so that sometimes there is nothing to do.
const SHARED_TITLES: u32 = 3;

/// Which of a client's principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Decides.
    Admin,
    /// Speaks and reports.
    Service,
}

/// One command, to be repeated until it is answered.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) name: &'static str,
    pub(super) role: Role,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Value,
    /// Nothing for a creation.
    pub(super) stream: Option<String>,
    pub(super) expected: Option<u64>,
}

impl Order {
    /// The kind of its stream.
    pub(super) fn category(&self) -> &'static str {
        if self.path.starts_with("/api/conversations") {
            "conversation"
        } else {
            "task"
        }
    }

    /// Is it a word of the domain, or of the quota of starts?
    pub(super) fn is_refusal(&self, code: &str) -> bool {
        let (category, _) = code.split_once('.').unwrap_or_default();
        category == self.category() || category == "quota"
    }

    /// Tells what was asked for.
    pub(super) fn content_hash(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (self.name, &self.path, self.body.to_string(), self.expected).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    fn new(name: &'static str, role: Role, method: Method, path: String, body: Value) -> Self {
        Self {
            name,
            role,
            method,
            path,
            body,
            stream: None,
            expected: None,
        }
    }

    fn on(mut self, category: &str, id: Uuid) -> Self {
        self.stream = Some(format!("{category}-{id}"));
        self
    }

    /// Only at the revision that was seen last; nothing when none was.
    fn at_last_seen(mut self, board: &Board) -> Option<Self> {
        self.expected = board.revisions.get(self.stream.as_ref()?).copied();
        self.expected.is_some().then_some(self)
    }
}

/// The next command of a client.
pub(super) fn choose(random: &mut StdRng, board: &Board) -> Order {
    if board.hot.len() < HOT {
        return start(random);
    }
    let chosen = match random.random_range(0..100) {
        0..50 => board
            .hot
            .choose(random)
            .and_then(|id| on_conversation(random, board, *id)),
        50..60 => Some(start(random)),
        60..72 => {
            let cold = board.cold.iter().choose(random).copied();
            cold.and_then(|id| on_conversation(random, board, id))
        }
        72..79 => Some(create(random)),
        _ => {
            let task = board.tasks.iter().choose(random).copied();
            task.and_then(|(id, execution)| on_task(random, board, id, execution))
        }
    };
    chosen.unwrap_or_else(|| start(random))
}

fn start(random: &mut StdRng) -> Order {
    let body = json!({"title": unique("conversation", random)});
    Order::new(
        "start",
        Role::Admin,
        Method::POST,
        "/api/conversations".to_owned(),
        body,
    )
}

fn create(random: &mut StdRng) -> Order {
    // Owners of their own: starts of executions are counted by owner.
    let owner = Uuid::from_u128(random.random());
    let body = json!({"title": unique("task", random), "description": "to be done", "ownerId": owner});
    Order::new("create", Role::Admin, Method::POST, "/api/tasks".to_owned(), body)
}

fn on_conversation(random: &mut StdRng, board: &Board, id: Uuid) -> Option<Order> {
    let path = format!("/api/conversations/{id}");
    let on = |name, role, method, path, body| Order::new(name, role, method, path, body).on("conversation", id);
    let is_archived = board.archived.contains(&format!("conversation-{id}"));
    match random.random_range(0..100) {
        // Nobody can speak in it: mostly somebody opens it again.
        0..50 if is_archived => Some(on(
            "reopen",
            Role::Admin,
            Method::POST,
            format!("{path}/reopen"),
            Value::Null,
        )),
        0..60 => {
            let body = json!({"content": unique("message", random)});
            Some(on(
                "send-message",
                Role::Service,
                Method::POST,
                format!("{path}/messages"),
                body,
            ))
        }
        60..75 => {
            let body = json!({"title": unique("title", random)});
            Some(on("rename", Role::Admin, Method::PUT, path, body))
        }
        75..92 => {
            let body = json!({"title": format!("title {}", random.random_range(0..SHARED_TITLES))});
            on("rename", Role::Admin, Method::PUT, path, body).at_last_seen(board)
        }
        92..96 => {
            let archive = format!("{path}/archive");
            on("archive", Role::Admin, Method::POST, archive, Value::Null).at_last_seen(board)
        }
        _ => Some(on(
            "reopen",
            Role::Admin,
            Method::POST,
            format!("{path}/reopen"),
            Value::Null,
        )),
    }
}

fn on_task(random: &mut StdRng, board: &Board, id: Uuid, execution: Option<Uuid>) -> Option<Order> {
    let path = format!("/api/tasks/{id}");
    let post = |name, role, below: &str, body| {
        Order::new(name, role, Method::POST, format!("{path}/{below}"), body).on("task", id)
    };
    // Sometimes one that never was.
    let running = execution.filter(|_| random.random_range(0..10) > 0);
    let running = running.unwrap_or_else(|| Uuid::from_u128(random.random()));
    let spent = random.random_range(1..1_000_u64);
    Some(match random.random_range(0..100) {
        0..30 => {
            let classifier = json!({"name": "faults", "version": unique("v", random)});
            let body = json!({"type": "feature", "complexity": "simple", "confidence": 0.5, "classifier": classifier});
            post("classify", Role::Service, "classification", body)
        }
        30..50 => post(
            "start-execution",
            Role::Service,
            "executions",
            json!({"strategy": "single-shot"}),
        ),
        50..65 => {
            let body = json!({"percent": random.random_range(0..100_u64), "log": []});
            post(
                "report-progress",
                Role::Service,
                &format!("executions/{running}/progress"),
                body,
            )
        }
        65..75 => {
            let body = json!({"filesChanged": 1, "linesAdded": spent, "linesRemoved": 1, "tokensUsed": spent,
                "costMicroUsd": spent, "durationMs": spent});
            post(
                "complete-execution",
                Role::Service,
                &format!("executions/{running}/completion"),
                body,
            )
        }
        75..82 => {
            let body = json!({"code": "faults", "message": "it failed", "tokensUsed": spent, "costMicroUsd": spent,
                "durationMs": spent});
            post(
                "fail-execution",
                Role::Service,
                &format!("executions/{running}/failure"),
                body,
            )
        }
        82..87 => return post("cancel", Role::Admin, "cancel", json!({"reason": "not wanted"})).at_last_seen(board),
        87..92 => post("retry", Role::Admin, "retry", json!({"strategy": "iterative"})),
        _ => {
            let body = json!({"title": format!("title {}", random.random_range(0..SHARED_TITLES))});
            let amend = Order::new("amend", Role::Admin, Method::PATCH, path, body).on("task", id);
            return amend.at_last_seen(board);
        }
    })
}

/// A text that no other command has.
fn unique(what: &str, random: &mut StdRng) -> String {
    format!("{what} {:016x}", random.random::<u64>())
}
