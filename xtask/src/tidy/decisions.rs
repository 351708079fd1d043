//! Architecture decisions in `docs/adr/`: `NNNN-what-was-decided.md`, numbered from 1 without a gap and listed in `README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use super::Problem;

const DIRECTORY: &str = "docs/adr";

/// The rules.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Vec<Problem> {
    let index = Path::new(DIRECTORY).join("README.md");
    let Ok(list) = fs::read_to_string(root.join(&index)) else {
        return vec![Problem::new(index, "write the list of decisions")];
    };
    let mut problems = Vec::new();
    let mut next = 1;
    let decisions = files
        .iter()
        .filter(|file| file.parent() == Some(Path::new(DIRECTORY)) && **file != index);
    for file in decisions {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let Some(number) = number(&name) else {
            problems.push(Problem::new(file, "name it NNNN-what-was-decided.md"));
            continue;
        };
        if number != next {
            problems.push(Problem::new(file, format!("the next number is {next:04}")));
        }
        next = number + 1;
        if !list.contains(&*name) {
            problems.push(Problem::new(file, format!("list it in {}", index.display())));
        }
    }
    problems
}

fn number(name: &str) -> Option<u32> {
    let (digits, rest) = name.split_once('-')?;
    let well_formed = digits.len() == 4 && rest.len() > ".md".len() && Path::new(rest).extension()? == "md";
    well_formed.then(|| digits.parse().ok())?
}
