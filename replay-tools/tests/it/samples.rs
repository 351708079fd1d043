//! Histories to import.

use std::io::Write;
use std::path::{Path, PathBuf};

use replay_tools::import::mapping::{CommitMapper, MappedCommand};
use replay_tools::import::source::HistorySource;

/// The real history that ships with the project.
pub(crate) fn svix() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/svix__svix-webhooks.jsonl.gz")
}

/// Lines of a small made-up history: one commit a number, all in the conversation of one month.
pub(crate) fn small_history(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers
        .map(|number| {
            format!(
                r#"{{"repo":"o/r","sha":"{number:040x}","at":"2024-05-01T10:00:{:02}+02:00","author":"00000000-0000-0000-0000-00000000000a","subject":"fix(core): number {number}","body":"","files_changed":1,"lines_added":{number},"lines_removed":0,"type":"fix","scope":"core"}}"#,
                number % 60
            )
        })
        .collect()
}

/// Writes `lines` to a `.jsonl` file in `folder`.
pub(crate) fn write_lines(folder: &Path, lines: &[String]) -> PathBuf {
    let path = folder.join("history.jsonl");
    let mut file = std::fs::File::create(&path).unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    path
}

/// Every command of a history.
pub(crate) fn commands_of(path: &Path, repository: Option<&str>) -> Vec<MappedCommand> {
    let (mut mapper, mut commands) = (CommitMapper::default(), Vec::new());
    for entry in HistorySource::at(path).unwrap().read(repository).unwrap() {
        let entry = entry.unwrap();
        mapper.map(entry.line, &entry.commit.unwrap(), &mut commands).unwrap();
    }
    commands
}
