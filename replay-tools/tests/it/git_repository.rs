//! Histories read with git itself.

use std::path::Path;
use std::process::Command;

use replay_tools::ToolError;
use replay_tools::import::commit::HistoryCommit;
use replay_tools::import::source::HistorySource;
use replay_tools::import::{ImportOptions, import_history};
use serde_json::{Value, json};

use crate::command_server::CommandServer;
use crate::samples::{commands_of, write_lines};

struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch=main"], 0);
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs git as Ada, at minute `minute` of a day, with nothing of the machine's configuration.
    fn git(&self, arguments: &[&str], minute: u32) -> String {
        let date = format!("2024-05-31T23:{minute:02}:00-02:00");
        let output = Command::new("git")
            .arg("-C")
            .arg(self.path())
            .args(arguments)
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
            .envs([
                ("GIT_AUTHOR_NAME", "Ada"),
                ("GIT_AUTHOR_EMAIL", "Ada@Example.org"),
                ("GIT_AUTHOR_DATE", &date),
            ])
            .envs([
                ("GIT_COMMITTER_NAME", "Bot"),
                ("GIT_COMMITTER_EMAIL", "bot@example.org"),
            ])
            .env("GIT_COMMITTER_DATE", "2024-07-01T00:00:00Z")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    /// Commits everything and gives the hash.
    fn commit(&self, message: &str, minute: u32) -> String {
        self.git(&["add", "--all"], minute);
        self.git(
            &[
                "commit",
                "--quiet",
                "--allow-empty-message",
                "--cleanup=verbatim",
                "--message",
                message,
            ],
            minute,
        );
        self.git(&["rev-parse", "HEAD"], minute)
    }
}

/// The line that a history file would have for a commit of Ada.
fn line(sha: &str, minute: u32, texts: (&str, &str), numbers: (u64, u64, u64), kind: &(Value, Value)) -> String {
    json!({
        "repo": "o/r", "sha": sha, "at": format!("2024-06-01T01:{minute:02}:00Z"),
        "author": uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, b"ada@example.org"),
        "subject": texts.0, "body": texts.1, "files_changed": numbers.0, "lines_added": numbers.1,
        "lines_removed": numbers.2, "type": kind.0, "scope": kind.1,
    })
    .to_string()
}

fn commits(path: &Path) -> Vec<HistoryCommit> {
    HistorySource::at(path)
        .unwrap()
        .read(Some("o/r"))
        .unwrap()
        .map(|entry| entry.unwrap().commit.unwrap())
        .collect()
}

const NONE: (Value, Value) = (Value::Null, Value::Null);

/// A repository with everything that is hard, and the history file of the same.
fn hard_repository(folder: &Path) -> (Repository, std::path::PathBuf) {
    let repository = Repository::new();
    let ten = "line 0\nline 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\nline 9\n";
    let mut lines = Vec::new();

    repository.write("a.txt", ten);
    let sha = repository.commit("Initial commit", 0);
    lines.push(line(&sha, 0, ("Initial commit", ""), (1, 10, 0), &NONE));

    repository.write("binary.bin", [0_u8, 1, 2, 255, 0]);
    repository.write("b.txt", "one\n");
    let message = "fix(core)!: bytes\n\nA body\r\nof two lines.\n\nCo-Authored-By: Bob <bob@example.org>\n";
    let sha = repository.commit(message, 1);
    lines.push(line(
        &sha,
        1,
        ("fix(core)!: bytes", "A body\nof two lines."),
        (2, 1, 0),
        &(json!("fix"), json!("core")),
    ));

    std::fs::rename(
        repository.path().join("a.txt"),
        repository.path().join("tab\tand\nfeed ü.txt"),
    )
    .unwrap();
    repository.write("tab\tand\nfeed ü.txt", ten.replace("line 3\n", "line three\n"));
    let sha = repository.commit("Ren\u{e4}me 漢字 🦀\u{1}", 2);
    lines.push(line(&sha, 2, ("Ren\u{e4}me 漢字 🦀\u{1}", ""), (1, 1, 1), &NONE));

    repository.git(&["checkout", "--quiet", "-b", "side"], 3);
    repository.write("side.txt", "side\n");
    let side = repository.commit("", 3);
    repository.git(&["checkout", "--quiet", "main"], 3);
    std::fs::remove_file(repository.path().join("b.txt")).unwrap();
    let main = repository.commit("Python: not a type\nand still the subject\n\n\nlong body", 4);
    repository.git(&["merge", "--quiet", "--no-ff", "--message", "Merge side", "side"], 5);
    let merge = repository.git(&["rev-parse", "HEAD"], 5);

    let side = (side.clone(), line(&side, 3, ("", ""), (1, 1, 0), &NONE));
    let text = ("Python: not a type and still the subject", "long body");
    let main = (main.clone(), line(&main, 4, text, (1, 0, 1), &NONE));
    let order = repository.git(&["rev-list", "--topo-order", "--reverse", "HEAD"], 5);
    let branches = if order.find(&side.0) < order.find(&main.0) {
        [side.1, main.1]
    } else {
        [main.1, side.1]
    };
    lines.extend(branches);
    lines.push(line(&merge, 5, ("Merge side", ""), (0, 0, 0), &NONE));
    let history = write_lines(folder, &lines);
    (repository, history)
}

#[test]
fn a_repository_gives_the_same_history_as_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, history) = hard_repository(folder.path());
    assert_eq!(commits(repository.path()), commits(&history));
    assert_eq!(HistorySource::at(repository.path()).unwrap().count().unwrap(), 6);
    let json = |path: &Path| -> Vec<_> {
        commands_of(path, Some("o/r"))
            .into_iter()
            .map(|command| command.json)
            .collect()
    };
    assert_eq!(json(repository.path()), json(&history));
}

#[test]
fn a_bare_clone_gives_the_same_history_and_both_take_the_name_of_the_remote() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, history) = hard_repository(folder.path());
    let bare = folder.path().join("mirror.git");
    repository.git(&["clone", "--quiet", "--bare", ".", &bare.to_string_lossy()], 0);
    assert_eq!(commits(&bare), commits(&history));
    let name = |path: &Path| {
        HistorySource::at(path)
            .unwrap()
            .read(None)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .commit
            .unwrap()
            .repo
    };
    assert_eq!(name(&bare), "mirror", "without a remote elsewhere, the folder's name");
    for (remote, expected) in [
        ("https://host.example/owner/project.git", "owner/project"),
        ("git@host.example:owner/project.git", "owner/project"),
        ("ssh://git@host.example/group/owner/project/", "owner/project"),
    ] {
        repository.git(&["config", "remote.origin.url", remote], 0);
        assert_eq!(name(repository.path()), expected);
    }
}

#[tokio::test]
async fn a_limit_ends_git_early_without_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, _) = hard_repository(folder.path());
    let server = CommandServer::honest().await;
    let mut import = ImportOptions::of(repository.path());
    import.limit = Some(2);
    let outcome = import_history(import, &server.options).await.unwrap();
    assert!(outcome.failure.is_none(), "{:?}", outcome.failure);
    assert_eq!((outcome.report.commits, outcome.report.applied), (2, 12));
}

#[test]
fn settings_of_the_repository_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, history) = hard_repository(folder.path());
    for (key, value) in [
        ("diff.renames", "false"),
        ("log.showRoot", "false"),
        ("log.showSignature", "true"),
        ("diff.algorithm", "patience"),
        ("core.quotePath", "false"),
        ("log.diffMerges", "first-parent"),
        ("diff.external", "/bin/false"),
        ("log.date", "relative"),
        ("i18n.logOutputEncoding", "latin1"),
        ("color.ui", "always"),
        ("diff.noprefix", "true"),
        ("log.follow", "true"),
        ("format.pretty", "oneline"),
        ("diff.ignoreSubmodules", "all"),
        ("diff.wordRegex", "."),
    ] {
        repository.git(&["config", key, value], 0);
    }
    assert_eq!(commits(repository.path()), commits(&history));
}

#[test]
fn a_folder_without_a_repository_is_refused_even_inside_of_one() {
    let repository = Repository::new();
    repository.write("a.txt", "a");
    repository.commit("one", 0);
    let inner = repository.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let error = HistorySource::at(&inner).unwrap().count().unwrap_err();
    assert!(
        matches!(&error, ToolError::GitFailed { message, .. } if message.contains("not a git repository")),
        "{error}"
    );
}

#[test]
fn what_git_complains_about_is_the_error() {
    let repository = Repository::new();
    let mut reader = HistorySource::at(repository.path()).unwrap().read(None).unwrap();
    let error = reader.next().unwrap().unwrap_err();
    assert!(
        matches!(&error, ToolError::GitFailed { message, .. } if message.contains("HEAD")),
        "{error}"
    );
    assert!(reader.next().is_none());
}

#[test]
fn a_repository_that_lost_an_object_fails_with_the_message_of_git() {
    let repository = Repository::new();
    for number in 0..3 {
        repository.write("a.txt", format!("{number}\n"));
        repository.commit("change", number);
    }
    let tree = repository.git(&["rev-parse", "HEAD^{tree}"], 0);
    std::fs::remove_file(repository.path().join(".git/objects").join(&tree[..2]).join(&tree[2..])).unwrap();
    let entries: Vec<_> = HistorySource::at(repository.path())
        .unwrap()
        .read(None)
        .unwrap()
        .collect();
    let error = entries.into_iter().find_map(Result::err).expect("an error at its end");
    assert!(
        matches!(&error, ToolError::GitFailed { message, .. } if message.contains(&tree)),
        "{error}"
    );
}

#[test]
fn a_file_of_another_kind_and_a_missing_one_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.csv");
    std::fs::write(&path, "").unwrap();
    assert!(matches!(HistorySource::at(&path), Err(ToolError::UnknownSource { .. })));
    assert!(matches!(
        HistorySource::at(&folder.path().join("none.jsonl")),
        Err(ToolError::Unreadable { .. })
    ));
}
