//! Running git itself: only it reads every repository right. Nothing of the user's configuration may change the result,
//! and nothing in a repository that was fetched from elsewhere may start a program.

use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use crate::ToolError;

/// So much of what git complains about is kept.
const MESSAGE_MAX_BYTES: u64 = 8 * 1024;
/// Variables that would make git look at another repository than the one that was named.
const REDIRECTIONS: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_EXTERNAL_DIFF",
];

/// Everything that `git log` needs to give the same answer everywhere.
const LOG: &[&str] = &[
    "-c",
    "core.quotePath=true",
    "-c",
    "diff.renameLimit=1000",
    "-c",
    "log.showRoot=true",
    "-c",
    "log.showSignature=false",
    "log",
    "--topo-order",
    "--reverse",
    "--no-color",
    "--no-decorate",
    "--no-notes",
    "--no-mailmap",
    "--no-ext-diff",
    "--no-textconv",
    "--no-diff-merges",
    "--diff-algorithm=myers",
    "--find-renames=50%",
    "--numstat",
    "--encoding=UTF-8",
    "--format=tformat:%x00%H%x00%aI%x00%ae%x00%s%x00%b%x00",
    "HEAD",
    "--",
];

/// A running `git log`.
pub(super) struct GitProcess {
    child: Child,
    complaints: Option<JoinHandle<String>>,
}

impl GitProcess {
    /// Starts it and gives its output beside it.
    pub(super) fn start_log(repository: &Path) -> Result<(Self, ChildStdout), ToolError> {
        let mut child = command(repository, LOG)
            .stderr(Stdio::piped())
            .spawn()
            .map_err(ToolError::GitNotStarted)?;
        let crashed = || ToolError::Crashed { part: "git process" };
        let output = child.stdout.take().ok_or_else(crashed)?;
        let stderr = child.stderr.take().ok_or_else(crashed)?;
        // A thread of its own: git would wait for ever on a full pipe that nobody reads.
        let complaints = std::thread::spawn(move || read_complaints(stderr));
        Ok((
            Self {
                child,
                complaints: Some(complaints),
            },
            output,
        ))
    }

    /// Waits until it has ended and says whether it did its work.
    pub(super) fn finish(&mut self, repository: &Path) -> Result<(), ToolError> {
        let status = self.child.wait().map_err(ToolError::GitNotStarted)?;
        let message = self
            .complaints
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        if status.success() {
            Ok(())
        } else {
            Err(failed(repository, status, &message))
        }
    }
}

impl Drop for GitProcess {
    /// An import that ends early must not leave git behind. Both fail only when it has ended already.
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

/// How many commits `HEAD` reaches.
pub(super) fn count_commits(repository: &Path) -> Result<u64, ToolError> {
    let text = answer(repository, &["rev-list", "--count", "HEAD", "--"])?;
    text.trim().parse().map_err(|_| ToolError::GitFailed {
        path: repository.to_owned(),
        message: "the number of commits is not a number".to_owned(),
    })
}

/// The address of the remote `origin`, when there is one.
pub(super) fn origin(repository: &Path) -> Option<String> {
    answer(repository, &["config", "--get", "remote.origin.url"])
        .ok()
        .map(|url| url.trim().to_owned())
}

fn answer(repository: &Path, arguments: &[&str]) -> Result<String, ToolError> {
    let output = command(repository, arguments)
        .stderr(Stdio::piped())
        .output()
        .map_err(ToolError::GitNotStarted)?;
    if !output.status.success() {
        return Err(failed(
            repository,
            output.status,
            &String::from_utf8_lossy(&output.stderr),
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn command(repository: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    for variable in REDIRECTIONS {
        command.env_remove(variable);
    }
    // Else a folder without a repository would quietly give the history of the one around it.
    if let Some(parent) = repository.canonicalize().ok().as_deref().and_then(Path::parent) {
        command.env("GIT_CEILING_DIRECTORIES", parent);
    }
    command
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .arg("--no-pager")
        .arg("-C")
        .arg(repository)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

fn read_complaints(mut stderr: impl Read) -> String {
    let mut kept = Vec::new();
    // What cannot be read is not shown; the exit status says whether git failed.
    let _shown_as_far_as_read = stderr.by_ref().take(MESSAGE_MAX_BYTES).read_to_end(&mut kept);
    let _drained = std::io::copy(&mut stderr, &mut std::io::sink());
    String::from_utf8_lossy(&kept).into_owned()
}

fn failed(repository: &Path, status: ExitStatus, message: &str) -> ToolError {
    let message = message.trim();
    let message = if message.is_empty() {
        status.to_string()
    } else {
        message.to_owned()
    };
    ToolError::GitFailed {
        path: repository.to_owned(),
        message,
    }
}
