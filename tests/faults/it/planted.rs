//! The checker on a small true history, and on the same with one fault planted in it. Each fault must be found, by the right claim.

use faults::attempt::{Attempt, Outcome};
use faults::check::{JournaledEvent, promises, quota_command};
use uuid::Uuid;

const STREAM: &str = "task-1";
const PRINCIPAL: Uuid = Uuid::from_u128(7);

const LOST: &str = "is in the journal";
const TWICE: &str = "happened twice";
const INVENTED: &str = "was caused by a command";
const DENIED: &str = "no command is there";
const FINAL: &str = "refused for good";
const EXPECTED: &str = "named a revision";
const STALE: &str = "no answer is older";

fn attempt(key: &str, started_at: u64, outcome: Outcome) -> Attempt {
    Attempt {
        client: "c1".to_owned(),
        started_at,
        ended_at: started_at + 5,
        principal: PRINCIPAL,
        command_id: key.to_owned(),
        content_hash: "00".to_owned(),
        command: "start-execution".to_owned(),
        stream: Some(STREAM.to_owned()),
        expected_revision: None,
        outcome,
    }
}

fn done(revision: u64) -> Outcome {
    Outcome::Done {
        revision,
        replayed: false,
    }
}

fn event(attempt: &Attempt, revision: u64) -> JournaledEvent {
    JournaledEvent {
        stream: STREAM.to_owned(),
        revision,
        partition: 0,
        offset: 10 + revision,
        index: 0,
        command: attempt.scoped().unwrap(),
    }
}

/// Three commands that were done, one of them after an attempt without an answer; refusals, the last one for good after an attempt without
/// an answer; a conflict, and nothing to do.
fn history() -> (Vec<Attempt>, Vec<JournaledEvent>) {
    let lost = Outcome::Unknown {
        code: "client.timed-out".to_owned(),
    };
    let repeated = Outcome::Done {
        revision: 1,
        replayed: true,
    };
    let conflict = Outcome::Conflict {
        current_revision: Some(2),
    };
    let refused = Outcome::Refused {
        code: "task.not-pending".to_owned(),
        is_final: false,
    };
    let refused_for_good = Outcome::Refused {
        code: "task.not-pending".to_owned(),
        is_final: true,
    };
    let mut attempts = vec![
        attempt("a", 0, done(0)),
        attempt("b", 10, lost.clone()),
        attempt("b", 20, repeated),
        attempt("c", 30, done(2)),
        attempt("d", 40, conflict),
        attempt("e", 50, refused),
        attempt("g", 55, lost),
        attempt("g", 56, refused_for_good),
        attempt("f", 60, Outcome::Nothing { revision: Some(2) }),
    ];
    attempts[3].expected_revision = Some(1);
    attempts[4].expected_revision = Some(1);
    let mut events = vec![event(&attempts[0], 0), event(&attempts[1], 1), event(&attempts[3], 2)];
    let place = JournaledEvent {
        stream: "quota-1".to_owned(),
        revision: 0,
        partition: 1,
        offset: 3,
        index: 0,
        command: quota_command(attempts[0].scoped().unwrap(), PRINCIPAL),
    };
    events.insert(0, place);
    (attempts, events)
}

/// The claims that do not hold.
fn broken(attempts: &[Attempt], events: &[JournaledEvent]) -> Vec<String> {
    let checks = promises(attempts, events).unwrap();
    assert!(
        checks.iter().all(|check| check.items > 0),
        "every claim is looked at: {checks:?}"
    );
    checks
        .into_iter()
        .filter(|check| check.violations > 0)
        .map(|check| check.claim)
        .collect()
}

#[track_caller]
fn is_found(claim: &str, plant: impl FnOnce(&mut Vec<Attempt>, &mut Vec<JournaledEvent>)) {
    let (mut attempts, mut events) = history();
    plant(&mut attempts, &mut events);
    let broken = broken(&attempts, &events);
    assert!(broken.iter().any(|found| found.contains(claim)), "{claim}: {broken:?}");
}

#[test]
fn a_true_history_holds() {
    let (attempts, events) = history();
    assert_eq!(broken(&attempts, &events), Vec::<String>::new());
}

#[test]
fn an_acknowledged_event_that_is_gone_is_found() {
    is_found(LOST, |_, events| drop(events.pop()));
}

#[test]
fn an_acknowledged_event_at_another_revision_is_found() {
    is_found(LOST, |attempts, _| attempts[0].outcome = done(1));
}

#[test]
fn an_acknowledged_event_of_another_stream_is_found() {
    is_found(LOST, |_, events| "task-2".clone_into(&mut events[1].stream));
}

#[test]
fn a_repeated_answer_without_its_event_is_found() {
    is_found(LOST, |_, events| drop(events.remove(2)));
}

#[test]
fn a_command_that_happened_twice_is_found() {
    is_found(TWICE, |attempts, events| events.push(event(&attempts[1], 3)));
}

#[test]
fn a_command_that_is_torn_apart_is_found() {
    is_found(TWICE, |attempts, events| {
        let mut second = event(&attempts[3], 3);
        second.offset = events[3].offset + 1;
        events.push(second);
    });
}

#[test]
fn an_event_that_nobody_asked_for_is_found() {
    is_found(INVENTED, |_, events| events[2].command = Uuid::from_u128(99));
}

#[test]
fn a_place_in_a_quota_that_nobody_asked_for_is_found() {
    is_found(INVENTED, |_, events| events[0].command = Uuid::from_u128(99));
}

#[test]
fn a_refused_command_that_happened_is_found() {
    is_found(DENIED, |attempts, events| events.push(event(&attempts[5], 3)));
}

#[test]
fn a_command_with_nothing_to_do_that_did_something_is_found() {
    is_found(DENIED, |attempts, events| events.push(event(&attempts[8], 3)));
}

#[test]
fn a_command_in_conflict_that_happened_is_found() {
    is_found(DENIED, |attempts, events| events.push(event(&attempts[4], 3)));
}

#[test]
fn a_command_that_was_refused_for_good_and_happened_by_its_earlier_attempt_is_found() {
    is_found(FINAL, |attempts, events| events.push(event(&attempts[6], 3)));
}

#[test]
fn a_command_that_was_not_applied_and_happened_is_found() {
    is_found(DENIED, |attempts, events| {
        attempts[5].outcome = Outcome::NotApplied {
            code: "log.unavailable".to_owned(),
        };
        events.push(event(&attempts[5], 3));
    });
}

#[test]
fn a_command_that_happened_at_another_revision_than_it_named_is_found() {
    is_found(EXPECTED, |attempts, _| attempts[3].expected_revision = Some(0));
}

#[test]
fn a_conflict_with_the_revision_that_was_named_is_found() {
    is_found(EXPECTED, |attempts, _| attempts[4].expected_revision = Some(2));
}

#[test]
fn a_write_below_one_that_was_acknowledged_before_is_found() {
    is_found(STALE, |attempts, _| attempts[0].started_at = 100);
}

#[test]
fn nothing_to_do_on_an_old_state_is_found() {
    is_found(STALE, |attempts, _| {
        attempts[8].outcome = Outcome::Nothing { revision: Some(1) }
    });
}

#[test]
fn a_conflict_on_an_old_state_is_found() {
    is_found(STALE, |attempts, _| {
        attempts[4].outcome = Outcome::Conflict {
            current_revision: Some(0),
        };
    });
}
