//! The rules of this repository that no compiler checks. Each is a function from the tree to a list of problems, so that
//! it can be tested on a small bad tree.

mod decisions;
mod directions;
mod files;
mod manifests;
mod tree;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// One broken rule: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, from the root of the repository.
    pub file: PathBuf,
    /// What is wrong, as a sentence that says how it should be.
    pub message: String,
}

impl Problem {
    fn new(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.file.display(), self.message)
    }
}

/// All problems of a repository, sorted; none when all is well.
pub fn check(root: &Path) -> Result<Vec<Problem>> {
    let files = tree::files(root)?;
    let manifests = manifests::read(root, &files)?;
    let mut problems = Vec::new();
    problems.extend(manifests::check(&manifests));
    problems.extend(directions::check(&manifests));
    problems.extend(files::check(root, &files)?);
    problems.extend(decisions::check(root, &files));
    problems.sort();
    Ok(problems)
}
