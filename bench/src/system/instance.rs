//! The running program.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::http_connection::HttpConnection;

const READY_WITHIN: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// The program promises to end within ten seconds.
const END_WITHIN: Duration = Duration::from_secs(12);
const SHOWN_LOG_LINES: usize = 20;

/// A process of ours; killed when dropped.
pub(crate) struct Instance {
    child: Child,
    pub(crate) port: u16,
    log: PathBuf,
}

impl Instance {
    pub(super) fn new(child: Child, port: u16, log: PathBuf) -> Self {
        Self { child, port, log }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.id().context("the program has ended")
    }

    /// Its resident memory in megabytes (10^6 bytes).
    pub(crate) fn resident_megabytes(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: f64 = line
            .and_then(|line| line.trim().strip_suffix("kB"))
            .and_then(|number| number.trim().parse().ok())
            .context("no VmRSS in /proc")?;
        Ok(kibibytes * 1_024.0 / 1e6)
    }

    /// Asks it to end and waits for it.
    pub(crate) async fn terminate(mut self) -> Result<()> {
        let pid = i32::try_from(self.pid()?).ok().and_then(Pid::from_raw);
        kill_process(pid.context("not a process id")?, Signal::TERM)?;
        let status = timeout(END_WITHIN, self.child.wait())
            .await
            .with_context(|| format!("the program does not end{}", self.last_words()))??;
        ensure!(status.success(), "the program ended with {status}{}", self.last_words());
        Ok(())
    }

    /// Waits until the program says that it is ready.
    pub(super) async fn wait_until_ready(&mut self) -> Result<()> {
        self.wait_until_answered(|status| status == 200).await
    }

    /// Waits until the question whether it is ready is answered in such a way.
    pub(super) async fn wait_until_answered(&mut self, is_ready: impl Fn(u16) -> bool) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        let mut connection = None;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the program ended with {status}{}", self.last_words());
            }
            if connection.is_none() {
                connection = HttpConnection::open(self.port).await.ok();
            }
            if let Some(open) = &mut connection {
                match open.get("/health/ready", None).await {
                    Ok(answer) if is_ready(answer.status) => return Ok(()),
                    Ok(_) => {}
                    Err(_) => connection = None,
                }
            }
            ensure!(
                Instant::now() < deadline,
                "the program is not ready in time{}",
                self.last_words()
            );
            sleep(LOOK_EVERY).await;
        }
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let shown = &lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..];
        format!("; its last words:\n{}", shown.join("\n"))
    }
}

/// The program, which is built beside this one.
pub(crate) fn program() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("coding-agent");
    ensure!(
        path.is_file(),
        "{} is missing: cargo build --release -p coding-agent builds it",
        path.display()
    );
    Ok(path)
}
