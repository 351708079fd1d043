//! One request to one node, and what its answer means.

use std::time::Duration;

use anyhow::Result;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::board::Ids;
use super::order::{Order, Role};
use crate::attempt::Outcome;
use crate::cluster::Tokens;

/// A node on this machine is connected to at once, or not at all.
const CONNECTING: Duration = Duration::from_secs(2);

/// A client's two principals at every node.
#[derive(Debug)]
pub(super) struct Callers {
    http: Client,
    urls: Vec<String>,
    admin: (Uuid, String),
    service: (Uuid, String),
}

/// A principal at a node.
#[derive(Debug)]
pub(super) struct Caller {
    http: Client,
    url: String,
    pub(super) node: usize,
    pub(super) principal: Uuid,
    token: String,
}

/// What came of an attempt.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// What the answer names; for creations that is new.
    pub(super) stream: Option<String>,
    pub(super) ids: Ids,
    /// When no fault explains it.
    pub(super) surprise: Option<String>,
}

impl Callers {
    pub(super) fn new(urls: &[String], tokens: &Tokens) -> Result<Self> {
        let principal = |role: &str| {
            let id = Uuid::new_v4();
            anyhow::Ok((id, tokens.token(id, role)?))
        };
        Ok(Self {
            http: Client::builder().no_proxy().connect_timeout(CONNECTING).build()?,
            urls: urls.to_vec(),
            admin: principal("admin")?,
            service: principal("service")?,
        })
    }

    pub(super) fn nodes(&self) -> usize {
        self.urls.len()
    }

    /// At a node, counted on from the first again after the last.
    pub(super) fn at(&self, node: usize, role: Role) -> Caller {
        let (principal, token) = match role {
            Role::Admin => &self.admin,
            Role::Service => &self.service,
        };
        let node = node % self.urls.len();
        Caller {
            http: self.http.clone(),
            url: self.urls[node].clone(),
            node,
            principal: *principal,
            token: token.clone(),
        }
    }
}

impl Caller {
    pub(super) async fn send(&self, order: &Order, key: &str, patience: Duration) -> Answer {
        let mut request = self
            .http
            .request(order.method.clone(), format!("{}{}", self.url, order.path))
            .timeout(patience)
            .bearer_auth(&self.token)
            .header("idempotency-key", key)
            .json(&order.body);
        if let Some(revision) = order.expected {
            request = request.header("if-match", format!("\"{revision}\""));
        }
        match request.send().await {
            Ok(response) => answered(response, order).await,
            Err(error) => unanswered(&error),
        }
    }
}

/// A connection that was never made carried nothing.
fn unanswered(error: &reqwest::Error) -> Answer {
    let outcome = if error.is_connect() {
        Outcome::NotApplied {
            code: "client.not-connected".to_owned(),
        }
    } else if error.is_timeout() {
        Outcome::Unknown {
            code: "client.timed-out".to_owned(),
        }
    } else {
        Outcome::Unknown {
            code: "client.connection-lost".to_owned(),
        }
    };
    Answer::of(outcome)
}

async fn answered(response: Response, order: &Order) -> Answer {
    let status = response.status();
    let replayed = response.headers().contains_key("idempotency-replayed");
    let body: Value = match response.json().await {
        Ok(body) => body,
        Err(error) => return unanswered(&error),
    };
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    let code = text("code");
    let outcome = match status {
        StatusCode::OK | StatusCode::CREATED => return taken(&body, order, replayed),
        StatusCode::PRECONDITION_FAILED if code == "precondition.failed" => Outcome::Conflict {
            current_revision: body["currentRevision"].as_u64(),
        },
        StatusCode::SERVICE_UNAVAILABLE => match text("outcome").as_str() {
            "not-applied" => Outcome::NotApplied { code },
            "unknown" => Outcome::Unknown { code },
            _ => return Answer::surprising(status, &body),
        },
        _ if status.is_client_error() && order.is_refusal(&code) => Outcome::Refused {
            code,
            is_final: body["final"] == true,
        },
        _ => return Answer::surprising(status, &body),
    };
    Answer::of(outcome)
}

/// An answer does not say whether there was anything to do. Commands of which there might be nothing name a revision, and tell by that.
fn taken(body: &Value, order: &Order, replayed: bool) -> Answer {
    let id = |member: &str| body[member].as_str().and_then(|text| text.parse().ok());
    let revision = body["revision"].as_u64();
    let outcome = match revision {
        Some(revision) if replayed || order.expected.is_none_or(|expected| expected < revision) => {
            Outcome::Done { revision, replayed }
        }
        revision => Outcome::Nothing { revision },
    };
    let ids = Ids {
        subject: id("id"),
        execution: id("executionId"),
    };
    Answer {
        stream: ids.subject.map(|id| format!("{}-{id}", order.category())),
        ids,
        ..Answer::of(outcome)
    }
}

impl Answer {
    fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            stream: None,
            ids: Ids::default(),
            surprise: None,
        }
    }

    /// The client cannot tell what it means, and gives up on the command.
    fn surprising(status: StatusCode, body: &Value) -> Self {
        let code = body["code"].as_str().unwrap_or("no code");
        Self {
            surprise: Some(format!("status {} with {code}", status.as_u16())),
            ..Self::of(Outcome::Unknown { code: code.to_owned() })
        }
    }
}
