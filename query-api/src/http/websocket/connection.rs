//! One socket.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use axum::http::HeaderMap;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::PROTOCOL;
use super::close::Close;
use super::message::{self, FromClient};
use crate::QueryApi;
use crate::caller::{Caller, Trace};
use crate::error::ErrorCode;
use crate::execution::{Operation, Transport, prepare, refused, run};
use crate::http::authentication::{self, Authenticated};
use crate::http::{Refused, parameters};
use crate::live::Standing;

/// Answers of all operations that wait for the socket. Each operation makes its next one when this one is taken.
const WAITING_ANSWERS: usize = 16;
/// A client that takes nothing for so long has gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// So often a client is asked whether it lives; it must say something between two of these.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Far away: a token without an end that matters.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// A message of an operation, and whether the operation ends with it.
struct Said {
    id: String,
    /// Of several operations that had this id one after the other.
    number: u64,
    message: Message,
    is_last: bool,
}

pub(super) struct Connection {
    api: QueryApi,
    trace: Trace,
    generation: Option<String>,
    /// By the headers, or by the first message.
    authenticated: Option<Authenticated>,
    is_acknowledged: bool,
    operations: HashMap<String, (u64, AbortOnDropHandle<()>)>,
    next_number: u64,
    said: mpsc::Sender<Said>,
    to_say: mpsc::Receiver<Said>,
}

impl Connection {
    pub(super) fn new(
        api: QueryApi,
        trace: Trace,
        generation: Option<String>,
        authenticated: Option<Authenticated>,
    ) -> Self {
        let (said, to_say) = mpsc::channel(WAITING_ANSWERS);
        Self {
            api,
            trace,
            generation,
            authenticated,
            is_acknowledged: false,
            operations: HashMap::new(),
            next_number: 0,
            said,
            to_say,
        }
    }

    pub(super) async fn run(mut self, mut socket: WebSocket) {
        let spoken = socket.protocol().is_some_and(|protocol| protocol == PROTOCOL);
        let ended = if spoken {
            self.serve(&mut socket).await
        } else {
            Some(Close::Protocol)
        };
        if let Some(close) = ended {
            tracing::debug!(
                code = close.code(),
                correlation_id = self.trace.correlation_id,
                "a socket is closed"
            );
            let _gone = timeout(PATIENCE, socket.send(close.frame())).await;
        }
    }

    /// Until somebody ends it; why, where that is us.
    async fn serve(&mut self, socket: &mut WebSocket) -> Option<Close> {
        let init_by = Instant::now() + Duration::from_millis(self.api.options().socket_init_timeout_ms);
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut heard_since_ping = true;
        let shutdown = self.api.shutdown().clone();
        loop {
            let expires = self.authenticated.as_ref().filter(|_| self.is_acknowledged);
            let ends_at = Instant::now() + expires.map_or(NEVER, Authenticated::left);
            let outgoing = tokio::select! {
                () = shutdown.requested() => return Some(Close::GoingAway),
                () = sleep_until(ends_at) => return Some(Close::Forbidden("the token has expired".to_owned())),
                () = sleep_until(init_by), if !self.is_acknowledged => return Some(Close::InitialisationTimeout),
                received = socket.recv() => {
                    heard_since_ping = true;
                    match received {
                        // Gone, or what it sent is larger than anything may be.
                        None | Some(Err(_) | Ok(Message::Close(_))) => return None,
                        Some(Ok(Message::Text(text))) => match self.hear(&text) {
                            Ok(answer) => answer,
                            Err(close) => return Some(close),
                        },
                        Some(Ok(Message::Binary(_))) => {
                            return Some(Close::BadMessage("Only text messages are understood".to_owned()));
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                    }
                }
                Some(said) = self.to_say.recv() => self.say(said),
                _ = pings.tick() => {
                    if !heard_since_ping {
                        return None;
                    }
                    heard_since_ping = false;
                    self.is_acknowledged.then(message::ping)
                }
            };
            if let Some(message) = outgoing
                && !matches!(timeout(PATIENCE, socket.send(message)).await, Ok(Ok(())))
            {
                return None;
            }
        }
    }

    /// What an operation has said, unless it was ended since.
    fn say(&mut self, said: Said) -> Option<Message> {
        let is_current = self
            .operations
            .get(&said.id)
            .is_some_and(|(number, _)| *number == said.number);
        if !is_current {
            return None;
        }
        if said.is_last {
            self.operations.remove(&said.id);
        }
        Some(said.message)
    }

    /// What a client has said; the answer to it, if there is one at once.
    fn hear(&mut self, text: &str) -> Result<Option<Message>, Close> {
        match message::read(text)? {
            FromClient::ConnectionInit { payload } => self.acknowledge(payload.as_ref()).map(Some),
            FromClient::Ping { payload } => Ok(Some(message::pong(payload))),
            FromClient::Pong {} => Ok(None),
            FromClient::Complete { id } => {
                self.operations.remove(&id);
                Ok(None)
            }
            FromClient::Subscribe { id, payload } => self.subscribe(id, payload),
        }
    }

    fn acknowledge(&mut self, payload: Option<&Map<String, Value>>) -> Result<Message, Close> {
        if self.is_acknowledged {
            return Err(Close::TooManyInitialisations);
        }
        let given = payload.and_then(|payload| payload.get("authorization").or_else(|| payload.get("Authorization")));
        if let Some(given) = given {
            let credentials = given.as_str().unwrap_or_default();
            let authenticated = authentication::of_credentials(self.api.signing_key(), credentials)
                .map_err(|problem| Close::Forbidden(problem.code().to_owned()))?;
            self.authenticated = Some(authenticated);
        }
        let Some(authenticated) = &self.authenticated else {
            return Err(Close::Forbidden("auth.missing-token".to_owned()));
        };
        if self.generation.is_some() && !authenticated.viewer.travels() {
            return Err(Close::Forbidden("auth.wrong-role".to_owned()));
        }
        self.is_acknowledged = true;
        Ok(message::connection_ack())
    }

    fn subscribe(&mut self, id: String, payload: Map<String, Value>) -> Result<Option<Message>, Close> {
        let Some(authenticated) = self.authenticated.as_ref().filter(|_| self.is_acknowledged) else {
            return Err(Close::Unauthorized);
        };
        if self.operations.contains_key(&id) {
            return Err(Close::AlreadyExists(id));
        }
        let limit = self.api.options().max_operations_per_socket;
        if self.operations.len() >= limit {
            let what = format!("a socket carries at most {limit} operations");
            return Ok(Some(refusal(&id, &what, ErrorCode::LimitOperations.as_str())));
        }
        // What a header says of a request, a member of its extensions says here.
        let operation = match parameters::of_members(payload, &HeaderMap::new(), self.api.options()) {
            Ok(operation) => Operation {
                transport: Transport::Stream,
                generation: self.generation.clone(),
                ..operation
            },
            Err(Refused::Problem(problem)) => {
                let told = problem.to_json();
                let what = told["detail"].as_str().or(told["title"].as_str()).unwrap_or_default();
                return Ok(Some(refusal(&id, what, problem.code())));
            }
            Err(Refused::Method) => return Ok(None),
        };
        let number = self.next_number;
        self.next_number += 1;
        let task = Task {
            api: self.api.clone(),
            caller: authenticated.caller(&self.trace),
            id: id.clone(),
            number,
            said: self.said.clone(),
        };
        let running = AbortOnDropHandle::new(tokio::spawn(task.run(operation)));
        self.operations.insert(id, (number, running));
        Ok(None)
    }
}

fn refusal(id: &str, what: &str, code: &str) -> Message {
    message::error(id, &json!([{ "message": what, "extensions": { "code": code } }]))
}

/// One operation of a socket.
struct Task {
    api: QueryApi,
    caller: Arc<Caller>,
    id: String,
    number: u64,
    said: mpsc::Sender<Said>,
}

impl Task {
    async fn run(self, operation: Operation) {
        let answer = match prepare(&self.api, &operation) {
            Err(refusal) => refused(refusal, &self.caller.correlation_id, Instant::now()),
            Ok(prepared) if prepared.stands => {
                let mut standing = Standing::new(self.api.clone(), Arc::clone(&self.caller), operation, prepared);
                while let Some(answer) = standing.next().await {
                    let (message, is_last) = message::answer(&self.id, &answer);
                    if !self.say(message, is_last).await || is_last {
                        return;
                    }
                }
                return;
            }
            Ok(prepared) => run(&self.api, &self.caller, &prepared, &operation, None).await.0,
        };
        let (message, is_last) = message::answer(&self.id, &answer);
        if self.say(message, is_last).await && !is_last {
            self.say(message::complete(&self.id), true).await;
        }
    }

    async fn say(&self, message: Message, is_last: bool) -> bool {
        let said = Said {
            id: self.id.clone(),
            number: self.number,
            message,
            is_last,
        };
        self.said.send(said).await.is_ok()
    }
}
