//! The flags of `history verify`.

use std::path::PathBuf;

use clap::Args;

use crate::OutputFormat;

/// What to check and how to tell.
#[derive(Debug, Clone, Args)]
pub struct VerifyOptions {
    /// What clients were told: a file with one attempt a line, written when the attempt ended; may be repeated. The clients must have
    /// ended.
    #[arg(long, value_name = "FILE")]
    pub clients: Vec<PathBuf>,
    /// Do not fold the log again to compare it with the read models.
    #[arg(long)]
    pub skip_read_models: bool,
    /// How many findings of each kind to print; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            clients: Vec::new(),
            skip_read_models: false,
            limit: 20,
            output: OutputFormat::Text,
        }
    }
}
