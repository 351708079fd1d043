//! Accepts connections, bounded in number and time, and drains them at shutdown.
//!
//! Not `axum::serve`: that sets no time limit on a request's headers, takes any number of connections and drains for
//! ever.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::shutdown::Shutdown;

/// With a pause of 100 ms between them, about ten seconds of nothing but errors.
const LARGEST_ACCEPT_ERROR_COUNT: u32 = 100;
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the server spends on connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at once; further ones wait in the operating system's queue.
    pub max_connections: usize,
    /// The time for a client to send the head of a request, the wait on an idle connection included.
    pub header_timeout: Duration,
    /// The time for requests under way to finish at shutdown.
    pub drain: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            max_connections: 4_096,
            // Longer than clients usually keep an idle connection, so that it is they who close it.
            header_timeout: Duration::from_secs(100),
            // Half of what the process has: what serves requests must end before what it writes to.
            drain: Duration::from_secs(5),
        }
    }
}

/// The server could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener gives errors only.
    #[error("no connection can be accepted any more")]
    Accept(#[source] io::Error),
}

/// Serves until shutdown is requested: then accepts no more, lets requests under way finish, and drops what is left.
///
/// Handlers find the client's address as `ConnectInfo<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: Shutdown,
    limits: ServeLimits,
) -> Result<(), ServeError> {
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.requested() => break,
            Some(_ended) = connections.join_next() => continue,
            accepted = accept(&listener, &permits) => accepted?,
        };
        let (stream, client, permit) = accepted;
        connections.spawn(connection(
            stream,
            client,
            permit,
            router.clone(),
            shutdown.clone(),
            limits,
        ));
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.drain, drained).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "dropping connections that did not finish in time"
        );
        connections.shutdown().await;
    }
    Ok(())
}

/// The next connection, once there is room for it. Dropping the wait loses no connection.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Result<(TcpStream, SocketAddr, OwnedSemaphorePermit), ServeError> {
    let closed = |_| ServeError::Accept(io::Error::other("connection permits are closed"));
    let permit = Arc::clone(permits).acquire_owned().await.map_err(closed)?;
    let mut errors = 0;
    loop {
        match listener.accept().await {
            Ok((stream, client)) => return Ok((stream, client, permit)),
            Err(error) if errors >= LARGEST_ACCEPT_ERROR_COUNT => return Err(ServeError::Accept(error)),
            // A client that has gone again, or no file descriptor left: both pass.
            Err(error) => {
                errors += 1;
                tracing::warn!(%error, "connection not accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    client: SocketAddr,
    _permit: OwnedSemaphorePermit,
    router: Router,
    shutdown: Shutdown,
    limits: ServeLimits,
) {
    // Small answers must not wait for more bytes. Fails only on a socket that is already gone.
    let _already_gone = stream.set_nodelay(true);
    let service = router.map_request(move |mut request: Request<_>| {
        request.extensions_mut().insert(ConnectInfo(client));
        request
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(limits.header_timeout))
        .enable_connect_protocol();
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = shutdown.requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // The client's doing (a reset, bytes that are no HTTP): nothing that we could mend.
        tracing::debug!(error = %error, "connection ended early");
    }
}
