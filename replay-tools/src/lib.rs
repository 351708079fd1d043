//! The operator's and analyst's commands.
//!
//! The way in is [`run`] with a [`Command`], which the binary flattens into its own subcommands: these go through the public interfaces
//! of a running system. [`import`] brings a history in as commands; [`status`] tells how far the read models are. Commands about the log
//! itself are in [`history`]: they read the configured log and database, which the binary opens for them; so do those of an administrator in
//! [`generations`]; [`lag`] says why one of them is behind, and
//! [`doctor`] what an installation has wrong.

mod columns;
mod connection;
mod diff;
pub mod doctor;
pub mod error;
pub mod generations;
pub mod history;
pub mod import;
pub mod lag;
pub mod options;
pub mod progress;
pub mod status;

use std::process::ExitCode;

use clap::Subcommand;

pub use error::ToolError;
pub use options::{OutputFormat, ToolOptions};

/// What an operator can ask for.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Bring a history in through the command path.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Show the end of the log and how far every read model is behind it.
    ///
    /// The token must have the role `admin` or `analyst`.
    Status(status::StatusOptions),
}

/// Where an imported history comes from.
#[derive(Debug, Clone, Subcommand)]
pub enum ImportCommand {
    /// Turn every commit of a git history into the life of one finished task.
    ///
    /// Each commit also becomes one message of a conversation (a scope in a month). All ids derive from the repository's
    /// name and the commit's hash, so importing again adds nothing: after an interruption, run the same import again
    /// with a token of the same user. No state file is kept, since none is needed.
    ///
    /// The token must have the role `service`.
    Git(import::ImportOptions),
}

/// Runs one command and prints its result; the exit code is 1 when the answer to the command's question is no.
pub async fn run(command: Command, options: &ToolOptions) -> Result<ExitCode, ToolError> {
    match command {
        Command::Import(ImportCommand::Git(import)) => import::run(import, options).await,
        Command::Status(status) => status::run(&status, options).await,
    }
}
