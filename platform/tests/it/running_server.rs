//! A server of the crate on a free port, and a client for it.

use axum::Router;
use platform::http::{ServeError, ServeLimits, serve};
use platform::shutdown::Shutdown;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) struct RunningServer {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) ended: JoinHandle<Result<(), ServeError>>,
    client: reqwest::Client,
}

impl RunningServer {
    pub(crate) async fn start(router: Router) -> Self {
        Self::start_with(router, ServeLimits::default()).await
    }

    pub(crate) async fn start_with(router: Router, limits: ServeLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let ended = tokio::spawn(serve(listener, router, shutdown.clone(), limits));
        Self {
            address,
            shutdown,
            ended,
            client: reqwest::Client::new(),
        }
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}
