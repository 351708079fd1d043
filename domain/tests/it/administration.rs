//! Rules of the record of what administrators do with projections.

use domain::Aggregate;
use domain::administration::{
    Administration, AdministrationCommand, AdministrationEvent, AdministrationRefusal, DiscardedEvent, OperationKind,
    Outcome, REASON_MAX, Request, projections_stream,
};
use domain::text::TextProblem;
use uuid::Uuid;

use crate::harness::{admin, analyst, assert_survives_the_log, given, owner, service, text_of};

fn record() -> Administration {
    Administration::default()
}

fn operation(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn request(number: u128, kind: OperationKind) -> Request {
    Request {
        operation: operation(number),
        kind,
        generation: Some("read_models_2".to_owned()),
        stream: None,
        reason: Some("It shows the new column".to_owned()),
        account: None,
    }
}

fn requested(number: u128, kind: OperationKind) -> AdministrationEvent {
    AdministrationEvent::OperationRequested(request(number, kind))
}

fn end(number: u128, outcome: Outcome) -> AdministrationCommand {
    AdministrationCommand::End {
        operation: operation(number),
        outcome,
    }
}

fn promoted() -> Outcome {
    Outcome::Promoted {
        generation: "read_models_2".to_owned(),
        before: "read_models_1".to_owned(),
    }
}

#[test]
fn the_stream_has_the_name_that_people_ask_for() {
    assert_eq!(projections_stream().as_str(), "administration-projections");
    assert_eq!(projections_stream().category(), Administration::CATEGORY);
}

#[test]
fn an_admin_requests_and_what_came_of_it_ends_the_operation() {
    let state = given(record, [])
        .when(AdministrationCommand::Request(request(1, OperationKind::Promote)))
        .by(admin())
        .then([requested(1, OperationKind::Promote)]);
    assert_ne!(state, record());
    let state = given(record, [requested(1, OperationKind::Promote)])
        .when(end(1, promoted()))
        .by(admin())
        .then([AdministrationEvent::GenerationPromoted {
            operation: operation(1),
            generation: "read_models_2".to_owned(),
            before: "read_models_1".to_owned(),
        }]);
    assert_eq!(state, record(), "nothing is under way any more");
}

#[test]
fn nobody_but_an_admin_does_such_things() {
    for actor in [owner(), analyst(), service()] {
        given(record, [])
            .when(AdministrationCommand::Request(request(1, OperationKind::Drop)))
            .by(actor)
            .then_refused(AdministrationRefusal::NotAllowed);
        given(record, [requested(1, OperationKind::Promote)])
            .when(end(1, promoted()))
            .by(actor)
            .then_refused(AdministrationRefusal::NotAllowed);
    }
}

#[test]
fn a_request_that_is_known_is_not_recorded_twice() {
    given(record, [requested(1, OperationKind::Promote)])
        .when(AdministrationCommand::Request(request(1, OperationKind::Promote)))
        .by(admin())
        .then_nothing_happened();
}

#[test]
fn only_what_is_under_way_can_end_and_only_as_what_it_is() {
    given(record, [requested(1, OperationKind::Promote)])
        .when(end(2, promoted()))
        .by(admin())
        .then_refused(AdministrationRefusal::NotUnderWay {
            operation: operation(2),
        });
    given(record, [requested(1, OperationKind::Drop)])
        .when(end(1, promoted()))
        .by(admin())
        .then_refused(AdministrationRefusal::OtherOutcome {
            kind: OperationKind::Drop,
        });
}

#[test]
fn any_operation_may_fail() {
    for kind in [OperationKind::Rebuild, OperationKind::RollBack, OperationKind::Retry] {
        let code = "generation.not-level".to_owned();
        given(record, [requested(1, kind)])
            .when(end(1, Outcome::Failed { code: code.clone() }))
            .by(admin())
            .then([AdministrationEvent::OperationFailed {
                operation: operation(1),
                code,
            }]);
    }
}

#[test]
fn giving_up_an_event_needs_a_reason_and_other_operations_may_have_one() {
    let without = |kind| {
        AdministrationCommand::Request(Request {
            reason: None,
            ..request(1, kind)
        })
    };
    given(record, [])
        .when(without(OperationKind::Discard))
        .by(admin())
        .then_refused(AdministrationRefusal::ReasonMissing);
    given(record, [])
        .when(without(OperationKind::RollBack))
        .by(admin())
        .then([AdministrationEvent::OperationRequested(Request {
            reason: None,
            ..request(1, OperationKind::RollBack)
        })]);
    for (reason, problem) in [
        (" ".to_owned(), TextProblem::Blank),
        (text_of(REASON_MAX + 1), TextProblem::TooLong { limit: REASON_MAX }),
        ("a\0b".to_owned(), TextProblem::HasNul),
    ] {
        let request = Request {
            reason: Some(reason),
            ..request(1, OperationKind::Promote)
        };
        given(record, [])
            .when(AdministrationCommand::Request(request))
            .by(admin())
            .then_refused(AdministrationRefusal::Reason { problem });
    }
}

#[test]
fn operations_of_processes_that_died_are_forgotten_when_there_are_many() {
    let mut state = record();
    for number in 0..1_000 {
        state.evolve(&requested(number, OperationKind::Promote));
    }
    assert!(state.weight() < 10_000, "{}", state.weight());
    let oldest = end(0, promoted());
    given(
        record,
        (0..1_000).map(|number| requested(number, OperationKind::Promote)),
    )
    .when(oldest)
    .by(admin())
    .then_refused(AdministrationRefusal::NotUnderWay {
        operation: operation(0),
    });
}

#[test]
fn every_event_survives_the_log() {
    let outcomes = [
        Outcome::RebuildBegun {
            generation: "read_models_3".to_owned(),
        },
        promoted(),
        Outcome::RolledBack {
            generation: "read_models_1".to_owned(),
            before: "read_models_2".to_owned(),
        },
        Outcome::Dropped {
            generation: "read_models_2".to_owned(),
        },
        Outcome::Retried { streams: 3 },
        Outcome::Discarded {
            events: vec![DiscardedEvent {
                generation: "read_models_2".to_owned(),
                stream: "task-1".to_owned(),
                revision: 4,
            }],
        },
        Outcome::Failed {
            code: "generation.unknown".to_owned(),
        },
    ];
    let kinds = [
        OperationKind::Rebuild,
        OperationKind::Promote,
        OperationKind::RollBack,
        OperationKind::Drop,
        OperationKind::Retry,
        OperationKind::Discard,
        OperationKind::Discard,
    ];
    for (kind, outcome) in kinds.into_iter().zip(outcomes) {
        let mut state = record();
        assert_survives_the_log(&requested(1, kind).into());
        state.evolve(&requested(1, kind));
        let context = domain::Context {
            actor: admin(),
            at: crate::harness::noon(),
            imported: false,
        };
        for event in state.decide(&end(1, outcome), &context).unwrap() {
            assert_survives_the_log(&event.into());
        }
    }
}
