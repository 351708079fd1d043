//! Names, sizes and modes of files.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Problem;

/// Names that say nothing about what is inside, and so attract everything.
const MEANINGLESS: [&str; 3] = ["utils", "helpers", "common"];
/// Above this a file holds more than one concept.
const MOST_LINES: usize = 500;

/// The rules.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for file in files {
        problems.extend(meaningless_name(file));
        if file.extension().is_some_and(|extension| extension == "rs") {
            problems.extend(too_long(root, file)?);
        } else {
            problems.extend(script_mode(root, file)?);
        }
    }
    Ok(problems)
}

/// The name without its ending, or one of the directories above.
fn meaningless_name(file: &Path) -> Option<Problem> {
    let stem = file.file_stem().into_iter();
    let directories = file.parent().into_iter().flat_map(Path::iter);
    let name = stem
        .chain(directories)
        .find(|name| MEANINGLESS.iter().any(|meaningless| *name == *meaningless))?;
    Some(Problem::new(
        file,
        format!("`{}` says nothing: name it after what it holds", name.display()),
    ))
}

fn too_long(root: &Path, file: &Path) -> Result<Option<Problem>> {
    let text = fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {}", file.display()))?;
    let lines = text.lines().count();
    Ok((lines > MOST_LINES).then(|| Problem::new(file, format!("{lines} lines; split it, {MOST_LINES} is the most"))))
}

fn script_mode(root: &Path, file: &Path) -> Result<Option<Problem>> {
    let path = root.join(file);
    let context = || format!("cannot read {}", file.display());
    let mut start = Vec::new();
    let opened = File::open(&path).with_context(context)?;
    let mode = opened.metadata().with_context(context)?.permissions().mode();
    opened.take(3).read_to_end(&mut start).with_context(context)?;
    let is_script = start.starts_with(b"#!/") || file.extension().is_some_and(|extension| extension == "sh");
    Ok((is_script && mode & 0o111 == 0).then(|| Problem::new(file, "make this script executable (chmod +x)")))
}
