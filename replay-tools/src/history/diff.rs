//! `history diff`: two generations by table, key and column.

use std::process::ExitCode;

use clap::Args;
use platform::shutdown::Shutdown;
use projections::ProjectionError;
use projections::administration::AdministrationError;
use projections::comparison::diff::{DiffScope, GenerationDiff};
use sqlx::PgPool;

use super::COULD_NOT_CHECK;
use crate::progress::{self, Meter};
use crate::{OutputFormat, ToolError, diff};

/// The flags of `history diff`.
#[derive(Debug, Clone, Args)]
pub struct DiffOptions {
    /// A generation: its schema, the name of an as-of or a branch, or `serving`.
    pub left: String,
    /// Another one.
    pub right: String,
    /// Only this table; may be given several times.
    #[arg(long = "table", value_name = "TABLE")]
    pub tables: Vec<String>,
    /// How many rows of each table to print; all are counted.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub limit: usize,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// Why two generations were not compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// There is no such generation, or the database is away.
    #[error("the generations cannot be compared")]
    Compared(#[from] AdministrationError),
    /// Neither has a table of this name.
    #[error("neither {left} nor {right} has a table {table}")]
    UnknownTable {
        /// What was asked for.
        table: String,
        /// One of them.
        left: String,
        /// The other.
        right: String,
    },
    /// The answer could not be printed.
    #[error(transparent)]
    NotPrinted(#[from] ToolError),
}

/// Exit code 0: equal. 1: different.
pub(super) async fn run(options: &DiffOptions, pool: &PgPool, shutdown: &Shutdown) -> Result<ExitCode, DiffError> {
    let meter = Meter::default();
    let scope = DiffScope {
        tables: options.tables.clone(),
        samples: options.limit,
    };
    let compared = projections::administration::diff(pool, &options.left, &options.right, &scope, |done, total| {
        meter.set("comparing tables", done, total);
    });
    let found: GenerationDiff = tokio::select! {
        compared = compared => compared?,
        () = progress::show(options.output, &meter) => return Ok(ExitCode::from(COULD_NOT_CHECK)),
        () = shutdown.requested() => return Ok(ExitCode::from(COULD_NOT_CHECK)),
    };
    if let Some(table) = options
        .tables
        .iter()
        .find(|wanted| !found.tables.iter().any(|table| table.table == **wanted))
    {
        return Err(DiffError::UnknownTable {
            table: table.clone(),
            left: options.left.clone(),
            right: options.right.clone(),
        });
    }
    options.output.print(&found, || diff::to_text(&found))?;
    Ok(if found.equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl From<ProjectionError> for DiffError {
    fn from(error: ProjectionError) -> Self {
        Self::Compared(error.into())
    }
}
