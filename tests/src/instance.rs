//! One process of the platform, with all roles in it or one.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use xtask::services::free_port::free_port;

use crate::command_line::binary;
use crate::deadline::eventually;

/// A start waits for migrations, a broker, and a machine that compiles at the same time.
const START_PATIENCE: Duration = Duration::from_mins(1);
/// What is promised for a stop in order.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// How often another port is tried when somebody was faster.
const PORT_ATTEMPTS: usize = 5;
/// So much of the log is shown when a test fails.
const SHOWN_LOG_LINES: usize = 60;

/// A running instance. Dropping it kills the process; when the test fails, its log is printed.
#[derive(Debug)]
pub struct Instance {
    /// `up` for all roles, or the name of one.
    role: &'static str,
    environment: Vec<(String, String)>,
    log_file: PathBuf,
    port: u16,
    process: Option<Child>,
    http: reqwest::Client,
}

impl Instance {
    /// Starts one on a free port and waits until it is ready.
    pub(crate) async fn start(
        directory: &Path,
        name: &str,
        role: &'static str,
        environment: Vec<(String, String)>,
    ) -> Self {
        let mut instance = Self {
            role,
            environment,
            log_file: directory.join(format!("{name}.log")),
            port: 0,
            process: None,
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(5))
                .no_proxy()
                .build()
                .unwrap(),
        };
        for _ in 0..PORT_ATTEMPTS {
            instance.port = free_port().unwrap();
            instance.spawn();
            if instance.becomes_ready().await {
                return instance;
            }
            assert!(
                instance.log().contains("cannot be listened on"),
                "an instance ended instead of serving"
            );
        }
        panic!("no port of {PORT_ATTEMPTS} was free");
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Everything that it has written, over all its starts.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log_file).unwrap_or_default()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the instance runs").id()
    }

    /// Ends it as a crash would (SIGKILL).
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("the instance runs");
        process.kill().unwrap();
        assert_eq!(
            process.wait().unwrap().signal(),
            Some(9),
            "it had ended by itself before"
        );
    }

    /// Asks it to end (SIGTERM) and waits as long as a stop may take.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal_end();
        self.ended().await
    }

    /// Sends SIGTERM and returns at once.
    pub fn signal_end(&self) {
        let process = self.process.as_ref().expect("the instance runs");
        kill_process(Pid::from_child(process), Signal::TERM).unwrap();
    }

    /// Waits for the end that [`signal_end`](Self::signal_end) asked for.
    pub async fn ended(&mut self) -> ExitStatus {
        let process = self.process.as_mut().expect("the instance runs");
        let since = Instant::now();
        let status = eventually("the end after SIGTERM", STOP_LIMIT, || {
            let ended = process.try_wait().unwrap();
            async move { ended }
        })
        .await;
        assert!(since.elapsed() <= STOP_LIMIT, "a stop takes at most {STOP_LIMIT:?}");
        self.process = None;
        status
    }

    /// Starts it again on the same port after its end, and waits until it is ready.
    pub async fn start_again(&mut self) {
        assert!(self.process.is_none(), "the instance has ended");
        self.spawn();
        assert!(self.becomes_ready().await, "an instance ended instead of serving again");
    }

    /// Waits until it says that all its parts are up.
    pub async fn ready(&mut self) {
        assert!(self.becomes_ready().await, "the instance ended");
    }

    fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log_file).unwrap();
        let process = Command::new(binary())
            .arg(self.role)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("CODING_AGENT__HTTP__LISTEN", format!("127.0.0.1:{}", self.port))
            .current_dir(self.log_file.parent().unwrap())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
    }

    /// False when the process ends instead.
    async fn becomes_ready(&mut self) -> bool {
        let address = format!("{}/health/ready", self.url());
        let (http, process) = (&self.http, self.process.as_mut().expect("the instance was started"));
        let ready = eventually("an instance is ready", START_PATIENCE, || {
            let ended = process.try_wait().unwrap().is_some();
            let asked = http.get(&address).send();
            async move {
                if ended {
                    return Some(false);
                }
                asked
                    .await
                    .is_ok_and(|answer| answer.status().is_success())
                    .then_some(true)
            }
        })
        .await;
        if !ready {
            self.process = None;
        }
        ready
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take()
            && let Err(error) = process.kill().and_then(|()| process.wait().map(drop))
        {
            eprintln!("an instance could not be ended: {error}");
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..];
            eprintln!("--- the end of {} ---\n{}", self.log_file.display(), shown.join("\n"));
        }
    }
}
