//! `doctor`: everything that can be wrong with an installation, and what to do about each.
//!
//! A check looks and changes nothing: no schema is made, no topic, no key. Each is bounded in time, and one that cannot be done does not
//! keep the others from being done. The binary adds those that need its settings; here are those on the [`database`], on the
//! [`read_models`], on the [`log`] and on this [`machine`].

pub mod database;
pub mod log;
pub mod machine;
pub mod read_models;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use crate::history::COULD_NOT_CHECK;
use crate::{OutputFormat, ToolError};

/// How long one check may take.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// The flags of `doctor`.
#[derive(Debug, Clone, Args)]
pub struct DoctorOptions {
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// What one check came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing is wrong with it.
    Fine {
        /// What was seen.
        sentence: String,
    },
    /// Something is.
    Finding {
        /// What was seen.
        sentence: String,
        /// What to do.
        remedy: String,
    },
    /// It could not be looked at.
    NotChecked {
        /// Why.
        sentence: String,
    },
}

impl Verdict {
    /// Nothing is wrong.
    pub fn fine(sentence: impl Into<String>) -> Self {
        Self::Fine {
            sentence: sentence.into(),
        }
    }

    /// Something is wrong, and this is to do.
    pub fn finding(sentence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Finding {
            sentence: sentence.into(),
            remedy: remedy.into(),
        }
    }

    /// It could not be looked at.
    pub fn not_checked(sentence: impl Into<String>) -> Self {
        Self::NotChecked {
            sentence: sentence.into(),
        }
    }
}

/// One check that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its name, which is stable: programs branch on it.
    pub check: &'static str,
    /// What it came to.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How long it took.
    pub seconds: f64,
}

/// All that was looked at.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DoctorReport {
    /// In the order in which they were made.
    pub checks: Vec<Check>,
}

impl DoctorReport {
    /// Makes a check, in bounded time. What fails was not checked.
    pub async fn look<E: std::error::Error>(
        &mut self,
        check: &'static str,
        look: impl Future<Output = Result<Verdict, E>>,
    ) {
        let started = Instant::now();
        let verdict = answered(look).await.unwrap_or_else(Verdict::not_checked);
        self.checks.push(Check {
            check,
            verdict,
            seconds: started.elapsed().as_secs_f64(),
        });
    }

    /// Adds what is known without waiting.
    pub fn add(&mut self, check: &'static str, verdict: Verdict) {
        self.checks.push(Check {
            check,
            verdict,
            seconds: 0.0,
        });
    }

    /// Prints it. Exit code 0: everything was checked and is fine. 1: there are findings. 2: there are none, and not everything could be
    /// checked.
    pub fn print(&self, output: OutputFormat) -> Result<ExitCode, ToolError> {
        output.print(self, || self.to_text())?;
        let is = |wanted: fn(&Verdict) -> bool| self.checks.iter().any(|check| wanted(&check.verdict));
        Ok(if is(|verdict| matches!(verdict, Verdict::Finding { .. })) {
            ExitCode::FAILURE
        } else if is(|verdict| matches!(verdict, Verdict::NotChecked { .. })) {
            ExitCode::from(COULD_NOT_CHECK)
        } else {
            ExitCode::SUCCESS
        })
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        for Check { check, verdict, .. } in &self.checks {
            // Writing into a String cannot fail.
            let _written = match verdict {
                Verdict::Fine { sentence } => writeln!(text, "fine     {check}: {sentence}"),
                Verdict::Finding { sentence, remedy } => {
                    writeln!(text, "FINDING  {check}: {sentence}\n         to do: {remedy}")
                }
                Verdict::NotChecked { sentence } => writeln!(text, "unknown  {check}: not checked: {sentence}"),
            };
        }
        text
    }
}

/// What is found in bounded time, or why nothing is.
pub async fn answered<T, E: std::error::Error>(look: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match tokio::time::timeout(CHECK_TIMEOUT, look).await {
        Ok(answer) => answer.map_err(|error| chain(&error)),
        Err(_) => Err(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
    }
}

/// An error with all its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.extend([": ", &cause.to_string()]);
        source = cause.source();
    }
    text
}

/// Bytes for people.
fn size(bytes: i64) -> String {
    let mut size = bytes.max(0);
    let mut unit = "bytes";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 10 * 1024 {
            break;
        }
        (size, unit) = (size / 1024, larger);
    }
    format!("{size} {unit}")
}
