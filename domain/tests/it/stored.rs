//! Events in the log: every version that was ever written stays readable.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use domain::DomainEvent;
use domain::stored::{DecodeError, EVENT_TYPES, decode, encode};
use domain::task::{Classification, Complexity, TaskEvent, TaskType};
use serde_json::Value;
use serde_json::value::RawValue;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// `task.created.v1` -> the type without its version, and the version.
fn cut(event_type: &str) -> (&str, &str) {
    event_type.rsplit_once('.').unwrap()
}

fn raw(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_stored_version_decodes_to_its_expected_newest_form() {
    for event_type in EVENT_TYPES {
        let (name, version) = cut(event_type);
        let folder = fixtures().join(name);
        let stored = fs::read_to_string(folder.join(format!("{version}.json"))).expect(event_type);
        let expected = fs::read_to_string(folder.join(format!("{version}.expected.json"))).expect(event_type);

        let event = decode(event_type, &raw(&stored)).expect(event_type);
        let newest = encode(&event);
        let found: Value = serde_json::from_str(newest.data.get()).unwrap();
        assert_eq!(found, serde_json::from_str::<Value>(&expected).unwrap(), "{event_type}");
        assert_eq!(cut(newest.event_type).0, name);
        assert_eq!(decode(newest.event_type, &newest.data).unwrap(), event, "{event_type}");
    }
}

#[test]
fn every_fixture_belongs_to_a_type_that_is_still_read() {
    let mut expected = BTreeSet::new();
    for event_type in EVENT_TYPES {
        let (name, version) = cut(event_type);
        expected.insert(format!("{name}/{version}.json"));
        expected.insert(format!("{name}/{version}.expected.json"));
    }
    let mut found = BTreeSet::new();
    for folder in fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()) {
        if folder.is_dir() {
            for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                found.insert(file.strip_prefix(fixtures()).unwrap().display().to_string());
            }
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn no_type_is_listed_twice() {
    assert_eq!(EVENT_TYPES.iter().collect::<BTreeSet<_>>().len(), EVENT_TYPES.len());
}

#[test]
fn an_unknown_type_is_told_apart_from_malformed_data() {
    for unknown in ["task.created.v2", "task.created", "build.failed.v1", ""] {
        let error = decode(unknown, &raw("{}")).unwrap_err();
        assert!(matches!(error, DecodeError::UnknownType { .. }), "{unknown}: {error:?}");
    }
    for malformed in [
        "{}",
        "null",
        "[]",
        r#"{"ownerId":"no uuid","title":"t","description":"d"}"#,
        r#"{"ownerId":"00000000-0000-0000-0000-000000000001","title":"t","description":"d","type":"BugFix"}"#,
        r#"{"ownerId":"00000000-0000-0000-0000-000000000001","title":"t","description":"d","priority":-1}"#,
    ] {
        let error = decode("task.created.v1", &raw(malformed)).unwrap_err();
        assert!(matches!(error, DecodeError::Malformed { .. }), "{malformed}: {error:?}");
    }
}

fn classified(confidence_permille: u16) -> DomainEvent {
    DomainEvent::Task(TaskEvent::Classified(Classification {
        task_type: TaskType::BugFix,
        complexity: Complexity::Simple,
        confidence_permille,
        classifier: "heuristic".to_owned(),
        classifier_version: "1".to_owned(),
    }))
}

#[test]
fn a_confidence_is_stored_as_a_number_with_three_decimals() {
    for permille in 0..=1_000 {
        let encoded = encode(&classified(permille));
        let data: Value = serde_json::from_str(encoded.data.get()).unwrap();
        let written = data["confidence"].to_string();
        assert!(written.len() <= "0.123".len(), "{written}");
        assert_eq!(decode(encoded.event_type, &encoded.data).unwrap(), classified(permille));
    }
}

fn decode_confidence(confidence: &str) -> Result<DomainEvent, DecodeError> {
    let told = r#""type":"bug-fix","complexity":"simple","classifier":"heuristic","classifierVersion":"1""#;
    let data = format!(r#"{{{told},"confidence":{confidence}}}"#);
    decode("task.classified.v1", &raw(&data))
}

#[test]
fn a_confidence_with_more_decimals_is_rounded() {
    for (confidence, permille) in [
        ("0.8756", 876),
        ("0.8754", 875),
        ("0.9999", 1_000),
        ("1", 1_000),
        ("1e-9", 0),
    ] {
        assert_eq!(
            decode_confidence(confidence).unwrap(),
            classified(permille),
            "{confidence}"
        );
    }
}

#[test]
fn a_confidence_outside_0_to_1_is_malformed() {
    for confidence in ["-0.001", "1.001", "870", "\"0.5\""] {
        let error = decode_confidence(confidence).unwrap_err();
        assert!(matches!(error, DecodeError::Malformed { .. }), "{confidence}");
    }
}

#[test]
fn what_is_absent_is_left_out() {
    let amended = TaskEvent::Amended {
        title: None,
        description: None,
        task_type: None,
        complexity: None,
        priority: Some(3),
    };
    assert_eq!(encode(&amended.into()).data.get(), r#"{"priority":3}"#);
    assert_eq!(encode(&TaskEvent::Cancelled { reason: None }.into()).data.get(), "{}");
}
