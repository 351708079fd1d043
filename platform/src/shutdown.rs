//! How a process ends: one signal asks every part to finish, a second one ends it at once.

mod supervisor;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub use supervisor::{Supervisor, SupervisorError};

/// What a shell reports for a process that Ctrl-C ended.
const EXIT_INTERRUPTED: i32 = 130;

/// The request to stop, shared by all parts of a process. Clones are the same request.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// A request that nobody has made yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the request on SIGTERM or SIGINT; a second signal exits at once with 130.
    ///
    /// Needs a running Tokio runtime. When it returns, the signals are already caught.
    pub fn on_signals(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            let name = tokio::select! { _ = terminate.recv() => "SIGTERM", _ = interrupt.recv() => "SIGINT" };
            tracing::info!(signal = name, "shutting down; a second signal ends the process at once");
            shutdown.trigger();
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            exit_at_once();
        });
        Ok(())
    }

    /// Waits until the request is made. May be dropped and called again.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// Whether the request was made.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Makes the request, here and in all children.
    pub fn trigger(&self) {
        self.token.cancel();
    }

    /// A request for one part: made with this one, or alone by its own [`Shutdown::trigger`].
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            token: self.token.child_token(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "somebody asked twice: to leave things open is what they want"
)]
fn exit_at_once() {
    std::process::exit(EXIT_INTERRUPTED);
}
