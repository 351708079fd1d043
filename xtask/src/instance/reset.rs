//! `./dev reset`: ends everything and deletes `.dev/`.

use std::fs;
use std::io::{BufRead, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::{down, postgres_directory};
use crate::lock::Lock;
use crate::project;
use crate::services::postgres::PrivatePostgres;

/// The command; asks first unless `sure`.
pub(crate) fn run(sure: bool) -> Result<ExitCode> {
    let directory = project::dev_directory();
    if !directory.is_dir() {
        println!("there is nothing to delete");
        return Ok(ExitCode::SUCCESS);
    }
    if !sure && !ask(&format!("Stop everything and delete {}?", directory.display()))? {
        println!("nothing was deleted");
        return Ok(ExitCode::FAILURE);
    }
    let lock = Lock::take(&directory)?;
    down::stop_everything()?;
    PrivatePostgres::remove(&postgres_directory())?;
    fs::remove_dir_all(&directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    drop(lock);
    println!("deleted {}", directory.display());
    Ok(ExitCode::SUCCESS)
}

/// Anything but a clear yes, the end of input too, is a no.
fn ask(question: &str) -> Result<bool> {
    print!("{question} [y/N] ");
    std::io::stdout().flush().context("cannot ask")?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
