//! Why a command could not do its work.

use std::path::PathBuf;

/// Every way in which an operator's command ends early.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The URL is not one that we can ask.
    #[error("{url} is not a usable address: {reason}")]
    BadUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The HTTP client could not be made.
    #[error("no HTTP client could be made")]
    Client(#[source] reqwest::Error),
    /// Nothing answers there, or the connection broke.
    #[error("no answer from {url}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The token is missing, expired, or of a role that may not do this.
    #[error("{url} refused the token: {status} {code}: {detail}")]
    NotAllowed {
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The stable code of the problem.
        code: String,
        /// The problem in words.
        detail: String,
    },
    /// The whole request was refused.
    #[error("{url} refused the request: {status} {code}: {detail}")]
    Refused {
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The stable code of the problem.
        code: String,
        /// The problem in words.
        detail: String,
    },
    /// The answer is not what this version of the tool understands.
    #[error("{url} answered something else than expected: {reason}")]
    Protocol {
        /// Where.
        url: String,
        /// What was wrong.
        reason: String,
    },
    /// No command was answered for too long; running the import again goes on from here.
    #[error("gave up after {seconds} s without progress (run the same import again to go on): {reason}")]
    GaveUp {
        /// How long nothing was answered.
        seconds: u64,
        /// What the last attempt met.
        reason: String,
    },
    /// The file or folder cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The path is neither a history file nor a git repository.
    #[error("{path} is neither a .jsonl or .jsonl.gz file nor a folder with a git repository")]
    UnknownSource {
        /// Which.
        path: PathBuf,
    },
    /// A line of the history cannot be used, and `--skip-bad` was not given.
    #[error("{path}, line {line}: {reason} (nothing after it was sent; --skip-bad goes on without such lines)")]
    BrokenLine {
        /// The history.
        path: PathBuf,
        /// Counted from 1; for a git repository, the number of the commit.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// The git program could not be started.
    #[error("git could not be started; it must be installed to read a repository")]
    GitNotStarted(#[source] std::io::Error),
    /// The git program failed.
    #[error("git failed on {path}: {message}")]
    GitFailed {
        /// The repository.
        path: PathBuf,
        /// What git said.
        message: String,
    },
    /// The rejects file cannot be written.
    #[error("cannot write the rejects file {path}")]
    RejectsNotWritten {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The result could not be printed.
    #[error("the result could not be printed")]
    NotPrinted(#[source] std::io::Error),
    /// A thread or task of the tool itself ended abnormally.
    #[error("the {part} ended abnormally")]
    Crashed {
        /// Which.
        part: &'static str,
    },
}
