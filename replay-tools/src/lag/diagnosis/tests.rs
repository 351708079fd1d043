//! One test for each cause, and what is told when there are several.

use super::*;
use crate::lag::facts::{ParkedFacts, ServingFacts};

fn process() -> ProcessFacts {
    ProcessFacts {
        id: 4,
        name: "host/77".to_owned(),
        seen_seconds_ago: 1.0,
        partitions: 16,
        timings: Timings {
            interval_ms: 1_000.0,
            write_ms: 600.0,
            apply_ms: 200.0,
            ..Timings::default()
        },
    }
}

fn behind() -> LagFacts {
    LagFacts {
        generation: "read_models_1".to_owned(),
        state: "serving".to_owned(),
        fingerprint: "abc".to_owned(),
        is_ours: true,
        is_of_this_history: true,
        behind: 1_000,
        records: 5_000,
        behind_seconds: 20.0,
        arrived_per_second: 100.0,
        projected_per_second: 300.0,
        processes: vec![process()],
        rebuild_yields_at: 2_000,
        ..LagFacts::default()
    }
}

fn only(facts: &LagFacts) -> Diagnosis {
    let causes = diagnose(facts);
    assert_eq!(causes.len(), 1, "{causes:#?}");
    causes.into_iter().next().unwrap()
}

fn wait() -> LockWait {
    LockWait {
        pid: 12,
        seconds: 3.0,
        blocked_by: 34,
        application: "psql".to_owned(),
        doing: "idle in transaction".to_owned(),
        open_seconds: 9.0,
        is_promoting: false,
    }
}

#[test]
fn what_is_level_has_no_cause() {
    assert!(diagnose(&LagFacts { behind: 0, ..behind() }).is_empty());
}

#[test]
fn without_a_process_the_remedy_depends_on_whose_generation_it_is() {
    let nobody = LagFacts {
        processes: Vec::new(),
        ..behind()
    };
    let ours = only(&nobody);
    assert_eq!(ours.cause, Cause::NoProcess);
    assert!(ours.remedy.contains("coding-agent projector"), "{}", ours.remedy);
    let theirs = only(&LagFacts {
        is_ours: false,
        ..nobody
    });
    assert_eq!(theirs.cause, Cause::NoProcess);
    assert!(theirs.remedy.contains("fingerprint is abc"), "{}", theirs.remedy);
}

#[test]
fn a_process_that_does_not_look_in_is_named() {
    let mut facts = behind();
    facts.processes[0].seen_seconds_ago = 60.0;
    let found = only(&facts);
    assert_eq!(found.cause, Cause::ProcessSilent);
    assert!(found.sentence.contains("host/77"), "{}", found.sentence);
}

#[test]
fn partitions_of_nobody_are_named() {
    let facts = LagFacts {
        unheld_partitions: vec![3, 5],
        ..behind()
    };
    let found = only(&facts);
    assert_eq!(found.cause, Cause::Unheld);
    assert!(found.sentence.contains("3, 5"), "{}", found.sentence);
}

#[test]
fn a_lock_is_told_with_who_holds_it_and_how_to_end_it() {
    let facts = LagFacts {
        waits: vec![wait()],
        projected_per_second: 0.0,
        ..behind()
    };
    let found = only(&facts);
    assert_eq!(found.cause, Cause::LockWait);
    assert!(found.sentence.contains("pid 34 (psql)"), "{}", found.sentence);
    assert!(found.remedy.contains("pg_terminate_backend(34)"), "{}", found.remedy);
}

#[test]
fn a_promotion_that_holds_it_is_not_to_be_ended() {
    let facts = LagFacts {
        waits: vec![LockWait {
            is_promoting: true,
            ..wait()
        }],
        ..behind()
    };
    let found = only(&facts);
    assert_eq!(found.cause, Cause::HeldByPromote);
    assert!(!found.remedy.contains("terminate"), "{}", found.remedy);
}

#[test]
fn a_rebuild_that_makes_way_for_queries_says_how_much() {
    let mut facts = LagFacts {
        state: "building".to_owned(),
        ..behind()
    };
    facts.processes[0].timings.share_percent = Some(25);
    let found = only(&facts);
    assert_eq!(found.cause, Cause::SlowedForQueries);
    assert!(found.sentence.contains("25 % of the time"), "{}", found.sentence);
    facts.processes[0].timings.share_percent = Some(100);
    assert_eq!(only(&facts).cause, Cause::Write);
}

#[test]
fn a_rebuild_that_yields_points_to_the_generation_that_serves() {
    let facts = LagFacts {
        state: "building".to_owned(),
        serving: Some(ServingFacts {
            generation: "read_models_7".to_owned(),
            behind: 2_001,
        }),
        projected_per_second: 0.0,
        ..behind()
    };
    let found = only(&facts);
    assert_eq!(found.cause, Cause::Yielding);
    assert!(found.remedy.contains("explain-lag read_models_7"), "{}", found.remedy);
    let near = ServingFacts {
        generation: "read_models_7".to_owned(),
        behind: 2_000,
    };
    let found = only(&LagFacts {
        serving: Some(near),
        ..facts
    });
    assert_eq!(found.cause, Cause::StandsStill);
}

#[test]
fn a_process_that_looks_in_and_does_not_move_stands_still() {
    let facts = LagFacts {
        projected_per_second: 0.0,
        ..behind()
    };
    assert_eq!(only(&facts).cause, Cause::StandsStill);
}

#[test]
fn events_that_have_just_come_are_on_their_way() {
    let facts = LagFacts {
        behind_seconds: 0.2,
        ..behind()
    };
    assert_eq!(only(&facts).cause, Cause::OnItsWay);
}

type Slow = fn(&mut Timings);

#[test]
fn the_stage_that_takes_longest_is_the_cause_and_each_has_its_own() {
    let timings = |set: fn(&mut Timings)| {
        let mut timings = Timings {
            interval_ms: 1_000.0,
            idle_ms: 50.0,
            ..Timings::default()
        };
        set(&mut timings);
        timings
    };
    let stages: [(Cause, Slow); 6] = [
        (Cause::Fetch, |timings| timings.fetch_ms = 900.0),
        (Cause::Decode, |timings| timings.decode_ms = 900.0),
        (Cause::Apply, |timings| timings.apply_ms = 900.0),
        (Cause::CheckpointWait, |timings| timings.lock_wait_ms = 900.0),
        (Cause::Write, |timings| timings.write_ms = 900.0),
        (Cause::Commit, |timings| timings.commit_ms = 900.0),
    ];
    for (cause, set) in stages {
        let mut facts = behind();
        facts.processes[0].timings = timings(set);
        assert_eq!(only(&facts).cause, cause);
    }
}

#[test]
fn timings_of_all_processes_count_together() {
    let mut facts = behind();
    let mut other = process();
    other.timings.commit_ms = 2_000.0;
    facts.processes.push(other);
    let found = only(&facts);
    assert_eq!(found.cause, Cause::Commit);
    assert!(found.sentence.contains("level in about 5 s"), "{}", found.sentence);
}

#[test]
fn processes_with_time_left_are_only_catching_up() {
    let mut facts = behind();
    facts.processes[0].timings.idle_ms = 700.0;
    assert_eq!(only(&facts).cause, Cause::CatchingUp);
    facts.processes[0].timings = Timings::default();
    assert_eq!(only(&facts).cause, Cause::CatchingUp);
}

#[test]
fn parked_streams_are_told_also_when_nothing_is_behind() {
    let facts = LagFacts {
        behind: 0,
        parked: ParkedFacts {
            streams: 2,
            first: Some("task-1".to_owned()),
            code: Some("projection.poison-event".to_owned()),
        },
        ..behind()
    };
    let found = only(&facts);
    assert_eq!(found.cause, Cause::Parked);
    assert!(found.sentence.contains("task-1"), "{}", found.sentence);
}

#[test]
fn another_history_is_the_only_cause() {
    let facts = LagFacts {
        is_of_this_history: false,
        ..behind()
    };
    assert_eq!(only(&facts).cause, Cause::OtherHistory);
}
