//! The flags of `import git`.

use std::path::PathBuf;

use clap::Args;

use crate::OutputFormat;

/// Commands in one request; the server takes at most a million.
const BATCH: usize = 50_000;
const BATCH_MAX: usize = 1_000_000;
const LANES: u8 = 4;
const LANES_MAX: u8 = 64;
const GIVE_UP_AFTER_SECONDS: u64 = 120;

/// What to import and how; the way it works is told at [`crate::ImportCommand::Git`].
#[derive(Debug, Clone, Args)]
pub struct ImportOptions {
    /// A `.jsonl` or `.jsonl.gz` history, or a git working copy or bare repository (all commits that HEAD reaches).
    pub path: PathBuf,
    /// The repository's name; by default as the history says, or the remote `origin`, or the folder's name.
    #[arg(long, value_name = "NAME")]
    pub repo: Option<String>,
    /// Stop after so many commits, the oldest first.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Go on without lines that are broken and commands that are refused, and keep them in the rejects file.
    #[arg(long)]
    pub skip_bad: bool,
    /// Where to keep them; by default the name of PATH with `.rejects.jsonl` behind it, in the current folder.
    #[arg(long, value_name = "FILE", requires = "skip_bad")]
    pub rejects: Option<PathBuf>,
    /// How many requests to have under way at once.
    #[arg(long, value_name = "N", default_value_t = LANES, value_parser = clap::value_parser!(u8).range(1..=i64::from(LANES_MAX)))]
    pub concurrency: u8,
    /// How many commands to put into one request.
    #[arg(long, value_name = "N", default_value_t = BATCH, value_parser = batch)]
    pub batch: usize,
    /// Give up when nothing was answered for so long.
    #[arg(long, value_name = "SECONDS", default_value_t = GIVE_UP_AFTER_SECONDS, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub give_up_after: u64,
    /// Read and map everything, send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

impl ImportOptions {
    /// The import of `path` with every default.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            repo: None,
            limit: None,
            skip_bad: false,
            rejects: None,
            concurrency: LANES,
            batch: BATCH,
            give_up_after: GIVE_UP_AFTER_SECONDS,
            dry_run: false,
            output: OutputFormat::Text,
        }
    }

    /// Where the rejects go.
    pub(crate) fn rejects_path(&self) -> PathBuf {
        self.rejects.clone().unwrap_or_else(|| {
            let full = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
            let mut name = full.file_name().unwrap_or_default().to_owned();
            name.push(".rejects.jsonl");
            PathBuf::from(name)
        })
    }
}

fn batch(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=BATCH_MAX).contains(&count) => Ok(count),
        _ => Err(format!("must be a number from 1 to {BATCH_MAX}")),
    }
}
