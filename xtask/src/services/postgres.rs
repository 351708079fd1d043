//! A private `PostgreSQL` server in a directory of its own, durable (`fsync` and `synchronous_commit` on) and fast to start.

mod account;
mod home;
mod programs;
mod settings;

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::free_port::free_port;
use super::log_file;
use super::process::{RecordedProcess, Signal};
use super::wait::wait_until;
use account::Account;
use programs::Programs;

/// Long enough for the recovery after a kill under load.
const START_PATIENCE: Duration = Duration::from_mins(2);
/// How long the server may take to close its connections and write its last checkpoint.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// How often another free port is tried when somebody took the one we found.
const PORT_ATTEMPTS: usize = 3;

/// A running server. Dropping it stops a server that this handle started, unless [`leave_running`](Self::leave_running) was called.
#[derive(Debug)]
pub struct PrivatePostgres {
    home: PathBuf,
    port: u16,
    programs: Programs,
    account: Option<Account>,
    process: Option<RecordedProcess>,
    ends_with_handle: bool,
}

impl PrivatePostgres {
    /// Starts the server of `directory` (made when missing) on `port`, 0 for a free one, and waits until it answers.
    /// A server that runs there already is used as it is, whatever its port.
    pub fn start(directory: &Path, port: u16) -> Result<Self> {
        let account = Account::for_servers()?;
        let programs = Programs::find()?;
        let home = home::open(directory, account)?;
        if let Some(process) = RecordedProcess::find(&pid_file(&home)) {
            let port = port_of_running(&home).context("the running PostgreSQL has no port in its postmaster.pid")?;
            let mut found = Self {
                home,
                port,
                programs,
                account,
                process: Some(process),
                ends_with_handle: false,
            };
            found.wait_until_ready()?;
            return Ok(found);
        }
        let mut server = Self {
            home,
            port,
            programs,
            account,
            process: None,
            ends_with_handle: true,
        };
        server.initialize()?;
        server.launch_on(port)?;
        Ok(server)
    }

    /// The administrator's URL, without a password: only this machine can connect.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The URL of another database of this server.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its output goes.
    pub fn log_file(&self) -> PathBuf {
        log_path(&self.home)
    }

    /// The process id of the server, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(RecordedProcess::pid)
    }

    /// Makes a database unless it exists.
    pub fn create_database(&self, name: &str) -> Result<()> {
        let output = Command::new(self.programs.createdb())
            .args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string(), name])
            .env("LC_ALL", "C")
            .output()
            .context("cannot start createdb")?;
        let message = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() && !message.contains("already exists") {
            bail!(
                "cannot make the database {name}: {}; {}",
                message.trim(),
                log_file::quote(&self.log_file())
            );
        }
        Ok(())
    }

    /// Stops it in order and starts it again on the same port.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.launch_on(self.port)
    }

    /// Starts it again on the same port after [`kill`](Self::kill) or [`stop`](Self::stop).
    pub fn start_again(&mut self) -> Result<()> {
        if self.process.as_mut().is_some_and(RecordedProcess::is_running) {
            return Ok(());
        }
        self.launch_on(self.port)
    }

    /// Freezes it with all its connections (SIGSTOP): they stay open and nothing is answered.
    pub fn pause(&self) -> Result<()> {
        let Some(process) = &self.process else {
            return Ok(());
        };
        // First the one that makes new connections.
        process.signal(Signal::STOP)?;
        process
            .children()
            .iter()
            .try_for_each(|child| child.signal(Signal::STOP))
    }

    /// Lets a paused server go on.
    pub fn resume(&self) -> Result<()> {
        let Some(process) = &self.process else {
            return Ok(());
        };
        process
            .children()
            .iter()
            .try_for_each(|child| child.signal(Signal::CONT))?;
        process.signal(Signal::CONT)
    }

    /// Whether its first process is there.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(RecordedProcess::is_running)
    }

    /// Ends it as a crash would: the server and all its connections get SIGKILL at once.
    pub fn kill(&mut self) -> Result<()> {
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        // Stopped first, so that no new connection is made between listing and killing them.
        process.signal(Signal::STOP)?;
        let children = process.children();
        process.signal(Signal::KILL)?;
        for child in &children {
            child.signal(Signal::KILL)?;
        }
        process.wait_for_end(STOP_PATIENCE)?;
        self.process = None;
        // Its memory is only given back, and a new server only accepted, when the last one has gone.
        wait_until("the end of PostgreSQL's connections", STOP_PATIENCE, || {
            Ok(children.iter().all(|child| !child.is_running()))
        })
    }

    /// Stops it in order: open transactions are rolled back, a checkpoint is written.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(process) = &mut self.process {
            process.end(Signal::INT, STOP_PATIENCE)?;
            self.process = None;
        }
        Ok(())
    }

    /// Lets the server run after this handle, and this program, have gone.
    pub fn leave_running(mut self) {
        self.ends_with_handle = false;
    }

    /// Stops the server of a directory, if one of ours runs there.
    pub fn stop_in(directory: &Path) -> Result<bool> {
        let Some(home) = home::existing(directory) else {
            return Ok(false);
        };
        let Some(mut process) = RecordedProcess::find(&pid_file(&home)) else {
            return Ok(false);
        };
        process.end(Signal::INT, STOP_PATIENCE)?;
        Ok(true)
    }

    /// Whether a server of ours runs in this directory, and on which port.
    pub fn running_in(directory: &Path) -> Option<u16> {
        let home = home::existing(directory)?;
        RecordedProcess::find(&pid_file(&home))?;
        port_of_running(&home)
    }

    /// Whether the data of this directory had to live elsewhere, because the server's account cannot reach it.
    pub fn is_elsewhere(directory: &Path) -> bool {
        home::existing(directory).is_some_and(|home| directory.canonicalize().is_ok_and(|own| own != home))
    }

    /// Deletes the directory with all data, also where the data had to live elsewhere. Stop the server first.
    pub fn remove(directory: &Path) -> Result<()> {
        home::remove(directory)
    }

    fn initialize(&self) -> Result<()> {
        let data = data_directory(&self.home);
        if data.join("PG_VERSION").exists() {
            return Ok(());
        }
        // A run that was ended within initdb leaves half a directory, which initdb would refuse.
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("cannot remove {}", data.display()))?;
        }
        let mut command = self.command(&self.programs.initdb());
        command.arg("--pgdata").arg(&data).args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
        ]);
        let output = command.output().context("cannot start initdb")?;
        if !output.status.success() {
            bail!(
                "initdb failed in {}: {}",
                data.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// Starts the server; with port 0 another port is tried when somebody else took the first.
    fn launch_on(&mut self, wanted: u16) -> Result<()> {
        let attempts = if wanted == 0 { PORT_ATTEMPTS } else { 1 };
        let mut outcome = Ok(());
        for _ in 0..attempts {
            self.port = if wanted == 0 { free_port()? } else { wanted };
            outcome = self.launch();
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    fn launch(&mut self) -> Result<()> {
        let data = data_directory(&self.home);
        settings::write(&data, self.port, &self.programs)?;
        if let Some(account) = self.account {
            account.own(&data.join("postgresql.conf"))?;
        }
        let mut command = self.command(&self.programs.postgres());
        command.arg("-D").arg(&data);
        let mark = data.to_string_lossy().into_owned();
        self.process = Some(RecordedProcess::spawn(
            command,
            &pid_file(&self.home),
            &mark,
            &log_path(&self.home),
        )?);
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let log = self.log_file();
        let Some(process) = &mut self.process else {
            bail!("PostgreSQL is not running")
        };
        let (pid, port, postmaster) = (
            process.pid(),
            self.port,
            data_directory(&self.home).join("postmaster.pid"),
        );
        wait_until("PostgreSQL answers", START_PATIENCE, || {
            if !process.is_running() {
                bail!(
                    "PostgreSQL ended instead of listening on port {port}; {}",
                    log_file::quote(&log)
                );
            }
            Ok(says_ready(&postmaster, pid) && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
        })
        .with_context(|| format!("PostgreSQL in {} did not start", self.home.display()))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.home)
            .env_remove("PGDATA")
            .env_remove("PGPORT")
            .env("LC_ALL", "C.UTF-8");
        if let Some(account) = self.account {
            account.apply(&mut command);
        }
        command
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if self.ends_with_handle
            && let Err(error) = self.stop()
        {
            eprintln!("cannot stop PostgreSQL: {error:#}");
        }
    }
}

fn data_directory(home: &Path) -> PathBuf {
    home.join("data")
}

fn pid_file(home: &Path) -> PathBuf {
    home.join("postgres.pid")
}

fn log_path(home: &Path) -> PathBuf {
    home.join("postgres.log")
}

/// The server itself writes `ready` into line 8 of its lock file once it accepts connections.
fn says_ready(postmaster: &Path, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(postmaster) else {
        return false;
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.first() == Some(&pid.to_string().as_str()) && lines.get(7) == Some(&"ready")
}

/// Line 4 of the server's lock file.
fn port_of_running(home: &Path) -> Option<u16> {
    let text = fs::read_to_string(data_directory(home).join("postmaster.pid")).ok()?;
    text.lines().nth(3)?.trim().parse().ok()
}
