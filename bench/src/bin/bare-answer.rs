//! A handler with nothing around it: whatever comes to `/graphql` gets the content of a file. It checks no token, adds no header but the
//! type, and has none of the layers of the program; it reads the request, as any server must before the next one.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use platform::shutdown::Shutdown;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const USAGE: &str = "usage: bare-answer ADDRESS:PORT FILE";
const MEDIA_TYPE: &str = "application/graphql-response+json; charset=utf-8";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let listen: SocketAddr = arguments.next().context(USAGE)?.parse().context(USAGE)?;
    let file = arguments.next().context(USAGE)?;
    let answer = std::fs::read(&file).with_context(|| format!("cannot read {file}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(listen, answer.into()))
}

async fn serve(listen: SocketAddr, answer: Bytes) -> Result<()> {
    let shutdown = Shutdown::new();
    shutdown.on_signals()?;
    let listener = TcpListener::bind(listen).await?.tap_io(|stream| {
        // Without it the figure would be worse, never wrong.
        let _set = stream.set_nodelay(true);
    });
    let router = Router::new()
        .route("/health/ready", get(async || "ready"))
        .route("/graphql", any(respond))
        .with_state(answer);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { shutdown.requested().await })
        .await?;
    Ok(())
}

async fn respond(State(answer): State<Bytes>, _request: Bytes) -> Response {
    ([(CONTENT_TYPE, MEDIA_TYPE)], answer).into_response()
}
