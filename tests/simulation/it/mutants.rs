//! Each planted mistake is found within so many worlds, and by the promise that it breaks.

use simulation::{Mutant, Product, Violation, run_world};

/// The first world in which a mistake is found, with what was said there.
fn caught(mutant: Mutant, within: u64, says: impl Fn(&Violation) -> bool) {
    for seed in 1..=within {
        let report = run_world(seed, Product::With(mutant), false);
        if let Some(violation) = report.violations.iter().find(|violation| says(violation)) {
            println!("{mutant:?} is found in world {seed}: {violation}");
            return;
        }
    }
    panic!("{mutant:?} was not found in {within} worlds");
}

#[test]
fn an_answer_on_the_delivery_report_alone_is_found() {
    caught(Mutant::AcknowledgesOnDelivery, 60, |violation| {
        matches!(violation, Violation::Lost { .. })
    });
}

#[test]
fn a_refusal_without_reading_to_the_end_is_found() {
    caught(Mutant::ConfirmsWithoutReading, 60, |violation| {
        matches!(violation, Violation::Untrue { .. })
    });
}

#[test]
fn a_commit_that_claims_to_have_seen_everything_is_found() {
    caught(Mutant::ForgetsSeen, 60, |violation| {
        matches!(
            violation,
            Violation::RevisionGap { .. } | Violation::DecidedOnAnotherHistory { .. }
        )
    });
}

#[test]
fn a_retry_that_is_not_known_again_is_found() {
    caught(Mutant::ForgetsCommands, 60, |violation| {
        matches!(violation, Violation::Doubled { .. })
    });
}

#[test]
fn an_unknown_outcome_that_is_called_a_failure_is_found() {
    caught(Mutant::CallsUnknownFailed, 60, |violation| {
        matches!(violation, Violation::HappenedAllTheSame { .. })
    });
}

#[test]
fn a_void_commit_that_is_called_accepted_is_found() {
    caught(Mutant::CallsVoidAccepted, 60, |violation| {
        matches!(violation, Violation::Lost { .. })
    });
}

#[test]
fn a_cached_state_with_a_wrong_revision_is_found() {
    caught(Mutant::CountsOneTooFew, 60, |violation| {
        matches!(
            violation,
            Violation::RevisionGap { .. } | Violation::WrongPlace { .. } | Violation::Untrue { .. }
        )
    });
}

#[test]
fn a_final_answer_that_is_not_recorded_is_found() {
    caught(Mutant::RecordsNothing, 60, |violation| {
        matches!(violation, Violation::NotFinal { .. })
    });
}
