//! What a commit becomes.

use replay_tools::import::commit::HistoryCommit;
use replay_tools::import::mapping::CommitMapper;
use replay_tools::import::{conventional, identity};
use serde_json::Value;

use crate::samples::{commands_of, small_history, svix, write_lines};

fn map(line: &str) -> Vec<Value> {
    let commit = HistoryCommit::from_json(line.as_bytes())
        .unwrap()
        .checked(None)
        .unwrap();
    let mut commands = Vec::new();
    CommitMapper::default().map(1, &commit, &mut commands).unwrap();
    commands
        .iter()
        .map(|command| serde_json::from_slice(&command.json).unwrap())
        .collect()
}

fn with(field: &str, value: Value) -> String {
    let mut line: Value = serde_json::from_str(&small_history(1..2)[0]).unwrap();
    line[field] = value;
    line.to_string()
}

#[test]
fn real_commits_become_these_commands() {
    let commands = commands_of(&svix(), None);
    let of_lines = |lines: &[u64]| -> String {
        let chosen = commands.iter().filter(|command| lines.contains(&command.line));
        chosen
            .map(|command| String::from_utf8(command.json.to_vec()).unwrap())
            .collect()
    };
    // The first two share a conversation; the last is a conventional commit with a body.
    let conventional = commands.iter().find(|command| {
        let json = std::str::from_utf8(&command.json).unwrap();
        json.contains("task.classify") && json.contains("bug-fix")
    });
    insta::assert_snapshot!(of_lines(&[1, 2, conventional.unwrap().line]));
}

#[test]
fn ids_are_the_same_in_every_import_and_differ_between_commits() {
    let (first, second) = (commands_of(&svix(), None), commands_of(&svix(), None));
    assert!(first.len() > 15_000);
    assert!(first.iter().zip(&second).all(|(one, other)| one.json == other.json));
    let ids: std::collections::HashSet<String> = first
        .iter()
        .map(|command| serde_json::from_slice::<Value>(&command.json).unwrap()["commandId"].to_string())
        .collect();
    assert_eq!(ids.len(), first.len(), "no two commands share an id");
}

#[test]
fn the_author_is_the_same_whatever_the_case_of_the_address() {
    assert_eq!(
        identity::author("Ada@Example.ORG"),
        identity::author(" ada@example.org ")
    );
    assert_ne!(identity::author("ada@example.org"), identity::author("bob@example.org"));
}

#[test]
fn a_conversation_begins_once_and_belongs_to_its_first_author() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = small_history(1..4);
    lines[1] = lines[1].replace("00000000000a", "00000000000b");
    let commands = commands_of(&write_lines(folder.path(), &lines), None);
    let starts: Vec<Value> = commands
        .iter()
        .map(|command| serde_json::from_slice::<Value>(&command.json).unwrap())
        .filter(|command| command["command"] == "conversation.start")
        .collect();
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[0]["body"]["title"], "core (2024-05)");
    assert_eq!(starts[0]["body"]["ownerId"], "00000000-0000-0000-0000-00000000000a");
}

#[test]
fn the_month_is_that_of_the_commit_in_utc() {
    let commands = map(&with("at", "2024-06-01T01:30:00+02:00".into()));
    assert_eq!(commands[0]["body"]["title"], "core (2024-05)");
    assert_eq!(commands[0]["at"], "2024-05-31T23:30:00Z");
}

#[test]
fn a_commit_without_scope_belongs_to_the_conversation_of_its_repository() {
    let none = map(&with("scope", Value::Null));
    assert_eq!(none[0]["body"]["title"], "o/r (2024-05)");
    assert_eq!(map(&with("scope", " ".into()))[0]["id"], none[0]["id"]);
    assert_ne!(map(&with("scope", "core".into()))[0]["id"], none[0]["id"]);
}

#[test]
fn texts_are_cut_by_characters_and_keep_no_nul() {
    let commands = map(&with("subject", "é".repeat(300).into()));
    assert_eq!(commands[2]["body"]["title"].as_str().unwrap().chars().count(), 200);
    assert_eq!(commands[1]["body"]["content"].as_str().unwrap().chars().count(), 300);
    assert_eq!(
        commands[2]["body"]["description"].as_str().unwrap().chars().count(),
        300
    );
    let commands = map(&with("body", "漢".repeat(20_000).into()));
    assert_eq!(
        commands[2]["body"]["description"].as_str().unwrap().chars().count(),
        10_000
    );
    assert_eq!(map(&with("subject", "a\0b".into()))[1]["body"]["content"], "ab");
    let title = map(&with("scope", "s".repeat(500).into()))[0]["body"]["title"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(title.chars().count() == 200 && title.ends_with(" (2024-05)"));
}

#[test]
fn a_blank_subject_gets_a_name() {
    for blank in ["", " \t ", "\0"] {
        let commands = map(&with("subject", blank.into()));
        assert_eq!(commands[1]["body"]["content"], "(no subject)");
        assert_eq!(commands[2]["body"]["title"], "(no subject)");
        assert_eq!(commands[2]["body"]["description"], "(no subject)");
    }
}

#[test]
fn type_and_complexity_follow_the_table() {
    let table = [
        ("fix", "bug-fix"),
        ("feat", "feature"),
        ("enhancement", "feature"),
        ("docs", "documentation"),
        ("test", "test"),
        ("tests", "test"),
        ("ci", "deployment"),
        ("build", "deployment"),
        ("chore", "deployment"),
        ("refactor", "refactor"),
        ("perf", "refactor"),
        ("style", "refactor"),
        ("revert", "refactor"),
        ("unheard-of", "unsure"),
    ];
    for (commit_type, expected) in table {
        assert_eq!(
            map(&with("type", commit_type.into()))[3]["body"]["type"],
            expected,
            "{commit_type}"
        );
    }
    assert_eq!(map(&with("type", Value::Null))[3]["body"]["type"], "unsure");
    let sizes = [
        (0, "simple"),
        (20, "simple"),
        (21, "medium"),
        (200, "medium"),
        (201, "complex"),
        (1_000, "complex"),
        (1_001, "epic"),
    ];
    for (lines, expected) in sizes {
        assert_eq!(
            map(&with("lines_added", lines.into()))[3]["body"]["complexity"],
            expected,
            "{lines}"
        );
    }
}

#[test]
fn a_conventional_subject_tells_type_and_scope() {
    let parsed = |subject| {
        let (commit_type, scope) = conventional::parse(subject);
        (commit_type.unwrap_or_default(), scope.unwrap_or_default())
    };
    assert_eq!(
        parsed("fix(parser)!: do not hang"),
        ("fix".to_owned(), "parser".to_owned())
    );
    assert_eq!(parsed("Feat: new"), ("feat".to_owned(), String::new()));
    assert_eq!(parsed("chore!:drop"), ("chore".to_owned(), String::new()));
    for other in [
        "Python: not a type",
        "fix the parser",
        "fix(parser: broken",
        "fix",
        "",
        "ünïcode: no",
    ] {
        assert_eq!(parsed(other), (String::new(), String::new()), "{other}");
    }
}

#[test]
fn the_type_and_scope_of_real_histories_are_found_again() {
    for entry in replay_tools::import::source::HistorySource::at(&svix())
        .unwrap()
        .read(None)
        .unwrap()
    {
        let commit = entry.unwrap().commit.unwrap();
        assert_eq!(
            conventional::parse(&commit.subject),
            (commit.commit_type, commit.scope),
            "{}",
            commit.subject
        );
    }
}
