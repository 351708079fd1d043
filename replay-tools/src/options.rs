//! What every command takes: where the system is, who asks, and in which form to answer.

use std::io::Write as _;

use clap::{Args, ValueEnum};
use platform::config::Secret;
use serde::Serialize;

use crate::ToolError;

/// How to reach the running system.
#[derive(Debug, Clone, Args)]
pub struct ToolOptions {
    /// Where the system answers.
    #[arg(
        long,
        env = "CODING_AGENT_URL",
        default_value = "http://127.0.0.1:5000",
        global = true,
        value_name = "URL"
    )]
    pub url: String,
    /// The bearer token to use; better given in the environment, where other users of the machine cannot see it.
    #[arg(
        long,
        env = "CODING_AGENT_TOKEN",
        hide_env_values = true,
        global = true,
        value_name = "TOKEN",
        value_parser = secret_text
    )]
    pub token: Option<Secret<String>>,
}

impl ToolOptions {
    /// Options for a system at `url`, with the bearer token to use there.
    pub fn new(url: impl Into<String>, token: Option<String>) -> Self {
        Self {
            url: url.into(),
            token: token.map(Secret::new),
        }
    }
}

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object, for programs.
    Json,
}

impl OutputFormat {
    /// Prints an answer: as one line of JSON, or the text that people read.
    pub fn print(self, answer: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), ToolError> {
        Self::print_text(&self.render(answer, text)?)
    }

    /// An answer as it is printed.
    pub(crate) fn render(self, answer: &impl Serialize, text: impl FnOnce() -> String) -> Result<String, ToolError> {
        match self {
            Self::Text => Ok(text()),
            Self::Json => {
                let line = serde_json::to_string(answer).map_err(|error| ToolError::NotPrinted(error.into()))?;
                Ok(line + "\n")
            }
        }
    }

    /// Prints answers that were rendered before: many in one go cost much less than each by itself.
    pub(crate) fn print_text(text: &str) -> Result<(), ToolError> {
        std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(ToolError::NotPrinted)
    }
}

// The signature is clap's.
#[allow(clippy::unnecessary_wraps)]
fn secret_text(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}
