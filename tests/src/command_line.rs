//! The binary, run as a tool.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::deadline::settled;

/// No tool works longer in these tests.
const PATIENCE: Duration = Duration::from_mins(3);

/// Where the binary is: named by `CODING_AGENT_TEST_BINARY`, or beside the test's own folder.
pub fn binary() -> PathBuf {
    let named = std::env::var_os("CODING_AGENT_TEST_BINARY").map(PathBuf::from);
    let path = named.unwrap_or_else(|| {
        // target/<profile>/deps/it-<hash>
        let test = std::env::current_exe().unwrap();
        test.ancestors().nth(2).unwrap().join("coding-agent")
    });
    assert!(path.is_file(), "run ./dev test, which builds it");
    path
}

/// One call of the binary.
#[derive(Debug)]
pub struct CommandLine {
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    directory: PathBuf,
}

impl CommandLine {
    /// A call with these arguments, in `directory`.
    pub fn new<A: Into<OsString>>(directory: &Path, arguments: impl IntoIterator<Item = A>) -> Self {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            directory: directory.to_owned(),
        }
    }

    /// With these variables too.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Starts it; a process that is dropped is killed.
    pub fn spawn(&self) -> Child {
        self.command(Stdio::piped()).spawn().unwrap()
    }

    fn command(&self, errors: Stdio) -> Command {
        let mut command = Command::new(binary());
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    pub async fn run(&self) -> Finished {
        let child = self.spawn();
        let output = settled("the end of a tool", PATIENCE, child.wait_with_output())
            .await
            .unwrap();
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The size of the terminal that a call is shown on.
const TERMINAL: Winsize = Winsize {
    ws_row: 24,
    ws_col: 100,
    ws_xpixel: 0,
    ws_ypixel: 0,
};

impl CommandLine {
    /// Runs it to its end with a terminal as its standard error. What the terminal was sent, escape sequences and all, is in `stderr`.
    pub async fn run_on_terminal(&self) -> Finished {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap();
        let terminal = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        tcsetwinsize(&terminal, TERMINAL).unwrap();
        let mut command = self.command(terminal.into());
        command.env("TERM", "xterm");
        let child = command.spawn().unwrap();
        // Its copies of the terminal are closed with it; then reading the screen ends with the last process.
        drop(command);
        let shown = tokio::task::spawn_blocking(move || {
            let (mut screen, mut shown) = (File::from(screen), Vec::new());
            // A terminal that everybody has left is an error to the one who reads it, not an end.
            let _left = screen.read_to_end(&mut shown);
            shown
        });
        let output = settled("the end of a tool", PATIENCE, child.wait_with_output())
            .await
            .unwrap();
        let shown = settled("the end of the screen", PATIENCE, shown).await.unwrap();
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(shown).unwrap(),
        }
    }
}

/// What a call left behind.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Finished {
    /// Its output as one JSON object, when it succeeded.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}
