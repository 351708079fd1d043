//! A `PostgreSQL` of one test alone, which may therefore stop and kill it.

use tempfile::TempDir;
use tokio::task::spawn_blocking;
use xtask::services::postgres::PrivatePostgres;

/// A running server; it ends, and its data is deleted, when this is dropped.
#[derive(Debug)]
pub struct OwnPostgres {
    // Absent only while a blocking thread works on it.
    server: Option<PrivatePostgres>,
    directory: TempDir,
}

impl OwnPostgres {
    /// Starts one.
    pub async fn start() -> Self {
        let directory = TempDir::with_prefix("own-postgres-").unwrap();
        let path = directory.path().to_owned();
        let server = spawn_blocking(move || PrivatePostgres::start(&path, 0))
            .await
            .unwrap()
            .unwrap();
        Self {
            server: Some(server),
            directory,
        }
    }

    /// The administrator's URL.
    pub fn url(&self) -> String {
        self.server.as_ref().unwrap().url()
    }

    /// Stops it in order and starts it again on the same port.
    pub async fn restart(&mut self) {
        self.change(PrivatePostgres::restart).await;
    }

    /// Ends it as a crash would and starts it again on the same port.
    pub async fn crash(&mut self) {
        self.change(|server| {
            server.kill()?;
            server.start_again()
        })
        .await;
    }

    /// The `Result` type of the closure is that of `xtask`.
    async fn change<E, F>(&mut self, change: F)
    where
        F: FnOnce(&mut PrivatePostgres) -> Result<(), E> + Send + 'static,
        E: std::fmt::Debug + Send + 'static,
    {
        let mut server = self.server.take().unwrap();
        let (server, outcome) = spawn_blocking(move || {
            let outcome = change(&mut server);
            (server, outcome)
        })
        .await
        .unwrap();
        self.server = Some(server);
        outcome.unwrap();
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        // Nothing in it is kept, so it need not close in order.
        let ended = self.server.as_mut().map_or(Ok(()), PrivatePostgres::kill);
        self.server = None;
        if let Err(error) = ended.and_then(|()| PrivatePostgres::remove(self.directory.path())) {
            eprintln!("the private PostgreSQL of a test stays behind: {error:#}");
        }
    }
}
