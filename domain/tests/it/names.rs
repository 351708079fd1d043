//! Names on the wire: they never change.

use domain::conversation::{ConversationStatus, MessageRole};
use domain::name::Named;
use domain::task::{Complexity, LogLevel, Strategy, TaskStatus, TaskType};

#[track_caller]
fn are_named<T: Named + PartialEq + std::fmt::Debug>(names: &[&str]) {
    let all: Vec<&str> = T::ALL.iter().map(|value| value.name()).collect();
    assert_eq!(all, names);
    for value in T::ALL {
        assert_eq!(T::from_str(value.name()), Ok(*value));
    }
}

#[test]
fn every_variant_has_its_stable_name_and_is_read_back_from_it() {
    are_named::<TaskType>(&[
        "bug-fix",
        "feature",
        "refactor",
        "documentation",
        "test",
        "deployment",
        "unsure",
    ]);
    are_named::<Complexity>(&["simple", "medium", "complex", "epic"]);
    are_named::<TaskStatus>(&[
        "pending",
        "classifying",
        "in-progress",
        "completed",
        "failed",
        "cancelled",
        "deleted",
    ]);
    are_named::<Strategy>(&["single-shot", "iterative", "multi-agent", "imported"]);
    are_named::<LogLevel>(&["debug", "info", "warn", "error"]);
    are_named::<MessageRole>(&["user", "assistant", "system"]);
    are_named::<ConversationStatus>(&["active", "archived", "deleted"]);
}

#[test]
fn an_unknown_name_is_refused_with_the_names_there_are() {
    for unknown in ["BugFix", "bug_fix", "bug-fix ", ""] {
        let refused = unknown.parse::<TaskType>().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "task type must be one of bug-fix, feature, refactor, documentation, test, deployment, unsure"
        );
    }
}
