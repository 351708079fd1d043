//! The other side of the wire: a server that keeps the contract of `POST /api/commands`, and breaks it when told to.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use replay_tools::ToolOptions;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// What the server does with one line.
pub(crate) enum Reaction {
    /// What the contract says: 201 the first time, 200 and `repeated` later.
    Honest,
    /// Answers so without doing it.
    Refuse(u16, &'static str),
    /// Does it, then breaks the connection before the answer.
    DoAndDisconnect,
    /// Reads on and never answers.
    FallSilent,
}

type Script = Box<dyn Fn(&Seen) -> Reaction + Send + Sync>;

/// Where a script is asked.
pub(crate) struct Seen {
    /// Requests before this one.
    pub(crate) request: usize,
    /// The line of the request, from 1.
    pub(crate) line: usize,
    /// The command.
    pub(crate) command: Value,
}

#[derive(Default)]
pub(crate) struct Received {
    /// Every command that was done, in the order of doing it.
    pub(crate) done: Vec<Value>,
    pub(crate) requests: usize,
    pub(crate) lines: usize,
    ids: HashSet<String>,
}

pub(crate) struct CommandServer {
    pub(crate) received: Arc<Mutex<Received>>,
    pub(crate) options: ToolOptions,
}

struct Shared {
    received: Arc<Mutex<Received>>,
    script: Script,
    /// Requests that are refused as a whole before the first is taken.
    closed_for: usize,
}

impl CommandServer {
    pub(crate) async fn honest() -> Self {
        Self::start(0, |_| Reaction::Honest).await
    }

    pub(crate) async fn start(closed_for: usize, script: impl Fn(&Seen) -> Reaction + Send + Sync + 'static) -> Self {
        let received = Arc::new(Mutex::new(Received::default()));
        let shared = Arc::new(Shared {
            received: received.clone(),
            script: Box::new(script),
            closed_for,
        });
        let router = Router::new().route("/api/commands", post(take)).with_state(shared);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = ToolOptions::new(
            format!("http://{}", listener.local_addr().unwrap()),
            Some("let-me-in".to_owned()),
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { received, options }
    }

    /// The commands done on each stream, by name, in order.
    pub(crate) fn by_stream(&self) -> HashMap<String, Vec<String>> {
        let mut streams: HashMap<String, Vec<String>> = HashMap::new();
        for command in &self.received.lock().unwrap().done {
            let id = command["id"].as_str().unwrap().to_owned();
            streams
                .entry(id)
                .or_default()
                .push(command["commandId"].as_str().unwrap().to_owned());
        }
        streams
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    if headers
        .get("authorization")
        .is_none_or(|value| value != "Bearer let-me-in")
    {
        let problem = json!({"code": "auth.invalid-token", "detail": "the token is not ours"});
        return (StatusCode::UNAUTHORIZED, problem.to_string()).into_response();
    }
    let request = {
        let mut received = shared.received.lock().unwrap();
        received.requests += 1;
        received.requests - 1
    };
    if request < shared.closed_for {
        let problem = json!({"code": "service.unavailable", "detail": "starting"});
        return (StatusCode::SERVICE_UNAVAILABLE, problem.to_string()).into_response();
    }
    let (answers, stream) = mpsc::channel::<Result<Bytes, std::io::Error>>(16);
    tokio::spawn(async move { answer(&shared, request, body, &answers).await });
    Body::from_stream(ReceiverStream::new(stream)).into_response()
}

async fn answer(shared: &Shared, request: usize, body: Body, answers: &mpsc::Sender<Result<Bytes, std::io::Error>>) {
    let (mut chunks, mut partial, mut line) = (body.into_data_stream(), Vec::new(), 0);
    let mut silent = false;
    while let Some(Ok(chunk)) = chunks.next().await {
        partial.extend_from_slice(&chunk);
        let mut out = String::new();
        while let Some(end) = partial.iter().position(|byte| *byte == b'\n') {
            let rest = partial.split_off(end + 1);
            let text = std::mem::replace(&mut partial, rest);
            line += 1;
            let command: Value = serde_json::from_slice(&text).expect("every line is whole JSON");
            let seen = Seen { request, line, command };
            let reaction = if silent {
                Reaction::FallSilent
            } else {
                (shared.script)(&seen)
            };
            shared.received.lock().unwrap().lines += 1;
            match reaction {
                Reaction::Honest => {
                    let (status, repeated) = if perform(shared, seen.command) {
                        (201, false)
                    } else {
                        (200, true)
                    };
                    writeln!(
                        out,
                        "{}",
                        json!({"line": line, "status": status, "repeated": repeated, "revision": 1})
                    )
                    .unwrap();
                }
                Reaction::Refuse(status, code) => {
                    writeln!(
                        out,
                        "{}",
                        json!({"line": line, "status": status, "code": code, "detail": "no: \"quoted\""})
                    )
                    .unwrap();
                }
                Reaction::DoAndDisconnect => {
                    perform(shared, seen.command);
                    let _gone = answers.send(Ok(out.into())).await;
                    let _gone = answers.send(Err(std::io::Error::other("cut"))).await;
                    return;
                }
                Reaction::FallSilent => silent = true,
            }
        }
        if answers.send(Ok(out.into())).await.is_err() {
            return;
        }
    }
    if silent {
        std::future::pending::<()>().await;
    }
}

/// `false`: it had been done before.
fn perform(shared: &Shared, command: Value) -> bool {
    let mut received = shared.received.lock().unwrap();
    let new = received.ids.insert(command["commandId"].as_str().unwrap().to_owned());
    if new {
        received.done.push(command);
    }
    new
}
