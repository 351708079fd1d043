//! Health of a process for whoever started it: alive (answers at all) and ready (every part has said that it is up).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::watch;

/// The parts of a process and what each last said of itself. Clones are the same registry.
#[derive(Clone, Debug)]
pub struct Health {
    checks: Arc<watch::Sender<Vec<Check>>>,
}

/// The voice of one part in a [`Health`] registry.
#[derive(Clone, Debug)]
pub struct HealthReporter {
    checks: Arc<watch::Sender<Vec<Check>>>,
    index: usize,
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Works.
    Up,
    /// Does not work (yet).
    Down,
}

/// What one part last said of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The part.
    pub name: String,
    /// Up or down.
    pub status: Status,
    /// Why it is down.
    pub reason: Option<String>,
}

#[derive(Serialize)]
struct Report {
    status: Status,
    checks: Vec<Check>,
}

impl Health {
    /// A registry without parts, which is ready.
    pub fn new() -> Self {
        Self {
            checks: Arc::new(watch::Sender::new(Vec::new())),
        }
    }

    /// Adds a part, down until it reports. Register every part before serving, or readiness comes too early.
    pub fn register(&self, name: impl Into<String>) -> HealthReporter {
        let mut index = 0;
        self.checks.send_modify(|checks| {
            index = checks.len();
            checks.push(Check {
                name: name.into(),
                status: Status::Down,
                reason: Some("starting".to_owned()),
            });
        });
        HealthReporter {
            checks: Arc::clone(&self.checks),
            index,
        }
    }

    /// Whether every part is up.
    pub fn is_ready(&self) -> bool {
        all_up(&self.checks.borrow())
    }

    /// Waits until every part is up.
    pub async fn ready(&self) {
        let mut changes = self.checks.subscribe();
        // Fails only when the sender is gone, and `self` holds it.
        let _held_by_self = changes.wait_for(|checks| all_up(checks)).await;
    }

    /// What every part last said.
    pub fn checks(&self) -> Vec<Check> {
        self.checks.borrow().clone()
    }

    /// The routes `/health/live` (always 200) and `/health/ready` (200 or 503).
    pub fn router(&self) -> Router {
        Router::new()
            .route("/health/live", get(live))
            .route("/health/ready", get(ready))
            .with_state(self.clone())
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl HealthReporter {
    /// Says that the part works.
    pub fn up(&self) {
        self.report(Status::Up, None);
    }

    /// Says that the part does not work. The reason is public: no secrets, no addresses.
    pub fn down(&self, reason: impl Into<String>) {
        self.report(Status::Down, Some(reason.into()));
    }

    fn report(&self, status: Status, reason: Option<String>) {
        self.checks.send_if_modified(|checks| {
            let Some(check) = checks.get_mut(self.index) else {
                return false;
            };
            let changed = check.status != status || check.reason != reason;
            check.status = status;
            check.reason = reason;
            changed
        });
    }
}

fn all_up(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.status == Status::Up)
}

async fn live() -> Json<Report> {
    Json(Report {
        status: Status::Up,
        checks: Vec::new(),
    })
}

async fn ready(State(health): State<Health>) -> (StatusCode, Json<Report>) {
    let checks = health.checks();
    let (code, status) = if all_up(&checks) {
        (StatusCode::OK, Status::Up)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Status::Down)
    };
    (code, Json(Report { status, checks }))
}
