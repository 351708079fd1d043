//! The states that snapshots hold. When one of these changes, raise the aggregate's `FOLD_VERSION`, so that snapshots of the old fold are not
//! looked at any more, and write the new state into `fixtures/folds.json`.

use std::fs;
use std::path::{Path, PathBuf};

use domain::administration::Administration;
use domain::conversation::Conversation;
use domain::quota::Quota;
use domain::stored::{EVENT_TYPES, decode};
use domain::task::Task;
use domain::{Aggregate, DomainEvent};
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The state after one event of every type, in the order in which they are listed.
fn state_after_all_types<A: Aggregate>() -> Value {
    let mut state = A::default();
    let of_category = |event_type: &&&str| event_type.split('.').next() == Some(A::CATEGORY);
    for event_type in EVENT_TYPES.iter().filter(of_category) {
        let (name, version) = event_type.rsplit_once('.').unwrap();
        let text = fs::read_to_string(fixtures().join(name).join(format!("{version}.json"))).unwrap();
        let data: Box<RawValue> = serde_json::from_str(&text).unwrap();
        let event: DomainEvent = decode(event_type, &data).unwrap();
        let Ok(event) = A::Event::try_from(event) else {
            panic!("{event_type} is an event of {}", A::CATEGORY)
        };
        state.evolve(&event);
        let kept: A = serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap();
        assert_eq!(kept, state, "a snapshot after {event_type} is the state");
    }
    serde_json::to_value(&state).unwrap()
}

#[test]
fn a_changed_fold_has_a_new_version() {
    let written = fs::read_to_string(fixtures().join("folds.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    let found = json!({
        "conversation": {"version": Conversation::FOLD_VERSION, "state": state_after_all_types::<Conversation>()},
        "task": {"version": Task::FOLD_VERSION, "state": state_after_all_types::<Task>()},
        "administration": {"version": Administration::FOLD_VERSION, "state": state_after_all_types::<Administration>()},
        "quota": {"version": Quota::FOLD_VERSION, "state": state_after_all_types::<Quota>()},
    });
    assert_eq!(
        found, written,
        "a fold changed: raise its FOLD_VERSION and write this into tests/fixtures/folds.json:\n{found:#}"
    );
}
