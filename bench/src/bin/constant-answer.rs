//! The HTTP edge of the program with nothing behind it: same allocator, runtime, telemetry, layers and server loop; the
//! body of `POST /api/tasks` is read as command handling reads it, and the answer is always the same. It checks no token,
//! keeps no rate and no state: what the program adds to this is what `./dev bench append` tells.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use platform::health::Health;
use platform::http::{HttpOptions, ServeLimits, serve, with_standard_layers};
use platform::shutdown::Shutdown;
use platform::telemetry::{TelemetryOptions, init};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// As the command API takes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateTask {
    title: String,
    description: String,
    owner_id: Option<Uuid>,
    #[serde(rename = "type")]
    task_type: Option<String>,
    complexity: Option<String>,
    priority: Option<u64>,
    conversation_id: Option<Uuid>,
}

/// As the command API answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    id: Uuid,
    revision: u64,
    position: &'static str,
}

const POSITION: &str = "eyJlIjoiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIiwiYyI6eyIwIjoxfX0";

fn main() -> Result<()> {
    let listen: SocketAddr = std::env::args()
        .nth(1)
        .context("usage: constant-answer ADDRESS:PORT")?
        .parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(listen))
}

async fn run(listen: SocketAddr) -> Result<()> {
    let metrics = init(&TelemetryOptions::default())?;
    let shutdown = Shutdown::new();
    shutdown.on_signals()?;
    let listener = TcpListener::bind(listen).await?;
    let router = Router::new()
        .merge(Health::new().router())
        .merge(metrics.router())
        .route("/api/tasks", post(create));
    let router = with_standard_layers(router, &HttpOptions::default(), &[]);
    Ok(serve(listener, router, shutdown, ServeLimits::default()).await?)
}

async fn create(body: Bytes) -> Response {
    match parse(&body) {
        Ok(true) => created(),
        _ => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

/// First any JSON, since its hash is needed too, then the body of this command.
fn parse(body: &[u8]) -> Result<bool, serde_json::Error> {
    let value: Value = serde_json::from_slice(body)?;
    let task = CreateTask::deserialize(&value)?;
    let words = [&task.task_type, &task.complexity].into_iter().flatten();
    let named = task.owner_id.is_some() || task.conversation_id.is_some();
    Ok(named
        && !task.title.is_empty()
        && !task.description.is_empty()
        && task.priority.is_none_or(|urgency| urgency < 10)
        && words.count() == 2)
}

fn created() -> Response {
    let reply = Reply {
        id: Uuid::nil(),
        revision: 0,
        position: POSITION,
    };
    let headers = [
        (header::HeaderName::from_static("position"), POSITION),
        (header::ETAG, "\"0\""),
        (header::LOCATION, "/api/tasks/00000000-0000-0000-0000-000000000000"),
    ];
    (StatusCode::CREATED, headers, Json(reply)).into_response()
}
