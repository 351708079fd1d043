//! A model of the log: small worlds in which every order of events is tried.
//!
//! **What is modelled.** One partition. Equal nodes that load (from the journal, or from their cache), decide, append, read
//! back, judge and answer; produces that are late, lost, doubled or in another order; nodes that crash and start again at the
//! journal's checkpoint; a journal that lags or is put back to an older state; clients that try the same command again through
//! another node; fences for a stream and for a category; plain and strict refusals. The judge is the production
//! [`Window`](event_store::acceptance::Window), and it is held to the literal sentence of the rule over the whole log.
//!
//! **What is not.** Digests, pins and rulings, which matter only when the log itself loses or changes history. A record that
//! can be read is durable, so the wait for the delivery report is not seen here; nor is anything that has to do with time:
//! that commands end, and that answers come at all.
//!
//! **How to read it.** [`worlds`] says what is tried, [`protocol`] which steps there are, [`node`] and [`loading`] what a node
//! does, [`reader`] how it judges, [`properties`] what must always hold. [`mutant`] makes one thing wrong: each time the
//! checker finds a history that breaks a promise. That is why the protocol has the sentence that the mutant leaves out. With
//! `--nocapture` each test prints its history, the shortest there is.

mod deciding;
mod loading;
mod log;
mod mutant;
mod node;
mod properties;
mod protocol;
mod reached;
mod reader;
mod scenario;
mod state;
mod worlds;

use stateright::{Checker, Expectation, Model, Path};

use mutant::Mutant;
use properties::{
    DONE_IS_HISTORY, EXACT_HISTORY, FENCES_HOLD, READERS_AGREE, REFUSAL_BINDS, REFUSAL_WAS_TRUE, STRICT_REFUSAL_BINDS,
    VOID_FOR_EVER,
};
use protocol::Protocol;
use reached::{
    CRASHED, DECIDED_AGAIN, DUPLICATE, FENCE_VOIDS, JOURNAL_BEHIND, LOAD_WAITS, OVERTAKEN, REFUSED,
    RETRY_IS_RECOGNISED, STRICTLY_REFUSED, TOO_OLD, VOID,
};
use scenario::Scenario;

/// Explores the whole world: nothing that must always hold is broken, and what the world is there for happens.
fn assert_holds(scenario: Scenario, happens: &[&'static str]) {
    let protocol = Protocol { scenario, mutant: None };
    let checker = protocol.checker().spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    for property in checker.model().properties() {
        let found = checker.discovery(property.name).map(Path::into_actions);
        if property.expectation == Expectation::Always {
            assert!(found.is_none(), "broken: {}, by {found:#?}", property.name);
        }
    }
    for wanted in happens {
        assert!(checker.discovery(wanted).is_some(), "never happens: {wanted}");
    }
}

/// One thing is wrong in a world that holds without it: the named promise is broken, within few steps.
fn assert_caught(scenario: &Scenario, mutant: Mutant, broken: &'static str) {
    const MOST_STEPS: usize = 16;
    // Depth by depth, so that the history found is a shortest one.
    let history = (1..=MOST_STEPS).find_map(|steps| {
        let protocol = Protocol {
            scenario: scenario.clone(),
            mutant: Some(mutant),
        };
        let checker = protocol.checker().target_max_depth(steps + 2).spawn_bfs().join();
        checker.discovery(broken).map(Path::into_actions)
    });
    let history = history.unwrap_or_else(|| panic!("{mutant:?} is not caught by: {broken}"));
    println!("{mutant:?}, in {} steps: {history:#?}", history.len());
}

#[test]
fn nodes_that_race_agree_and_answer_the_truth() {
    assert_holds(
        Scenario::race(),
        &[VOID, DECIDED_AGAIN, REFUSED, RETRY_IS_RECOGNISED, LOAD_WAITS],
    );
}

#[test]
fn records_that_land_twice_count_once() {
    assert_holds(Scenario::duplicates(), &[DUPLICATE, VOID, REFUSED]);
}

#[test]
fn a_command_of_a_crashed_node_happens_at_most_once() {
    assert_holds(Scenario::crash(), &[CRASHED, RETRY_IS_RECOGNISED, REFUSED]);
}

#[test]
fn a_cached_state_is_decided_on_only_while_it_is_the_newest() {
    assert_holds(Scenario::warm_cache(), &[DECIDED_AGAIN, REFUSED, LOAD_WAITS]);
}

#[test]
fn what_rests_on_a_commit_in_flight_shares_its_fate() {
    assert_holds(Scenario::overlay(), &[REFUSED, DECIDED_AGAIN, RETRY_IS_RECOGNISED]);
}

#[test]
fn a_plain_refusal_binds_its_own_attempt_only() {
    assert_holds(Scenario::plain_refusal(), &[REFUSED, OVERTAKEN]);
}

#[test]
fn a_strict_refusal_is_final() {
    assert_holds(
        Scenario::strict_refusal(),
        &[STRICTLY_REFUSED, FENCE_VOIDS, RETRY_IS_RECOGNISED],
    );
}

#[test]
fn fences_void_what_had_not_seen_them() {
    assert_holds(Scenario::fences(), &[FENCE_VOIDS, VOID]);
}

#[test]
fn a_record_that_lands_after_its_window_is_void() {
    assert_holds(Scenario::zombie(), &[TOO_OLD, DECIDED_AGAIN]);
    assert_holds(Scenario::zombie_lands_twice(), &[TOO_OLD, DUPLICATE]);
}

#[test]
fn what_the_window_has_forgotten_is_asked_of_the_journal() {
    assert_holds(Scenario::long_history(), &[REFUSED, VOID]);
}

#[test]
fn readers_ahead_of_a_restored_journal_wait_for_it() {
    assert_holds(Scenario::restored_journal(), &[JOURNAL_BEHIND, CRASHED, VOID]);
}

#[test]
fn a_journal_may_be_restored_at_any_time() {
    assert_holds(Scenario::journal_restored_meanwhile(), &[JOURNAL_BEHIND, VOID]);
}

#[test]
fn a_judge_without_the_window_check_is_caught() {
    assert_caught(&Scenario::zombie(), Mutant::NoWindowCheck, EXACT_HISTORY);
    assert_caught(&Scenario::zombie_lands_twice(), Mutant::NoWindowCheck, VOID_FOR_EVER);
}

#[test]
fn a_judge_that_looks_one_offset_too_late_is_caught() {
    assert_caught(&Scenario::race(), Mutant::BetweenBeginsLate, EXACT_HISTORY);
}

/// Without fences, revisions alone would do: the harm is that nothing can be fenced off.
#[test]
fn a_judge_by_expected_revision_alone_is_caught() {
    assert_caught(&Scenario::fences(), Mutant::ByExpectedRevision, FENCES_HOLD);
    assert_caught(
        &Scenario::strict_refusal(),
        Mutant::ByExpectedRevision,
        STRICT_REFUSAL_BINDS,
    );
}

#[test]
fn an_answer_on_the_delivery_report_alone_is_caught() {
    assert_caught(&Scenario::race(), Mutant::DoneOnDelivery, DONE_IS_HISTORY);
}

#[test]
fn a_refusal_from_stale_state_is_caught() {
    assert_caught(&Scenario::crash(), Mutant::RefusesFromStaleState, REFUSAL_WAS_TRUE);
    assert_caught(&Scenario::warm_cache(), Mutant::RefusesFromStaleState, REFUSAL_WAS_TRUE);
}

/// A record that was not read back may still be accepted, so its author can say neither yes nor no.
#[test]
fn a_refusal_while_the_own_record_is_in_flight_is_caught() {
    assert_caught(
        &Scenario::plain_refusal(),
        Mutant::DoesNotWaitForItsRecord,
        REFUSAL_BINDS,
    );
}

#[test]
fn a_commit_that_claims_the_position_of_its_node_is_caught() {
    assert_caught(&Scenario::race(), Mutant::SeenIsPosition, EXACT_HISTORY);
    assert_caught(&Scenario::warm_cache(), Mutant::SeenIsPosition, EXACT_HISTORY);
}

/// A strict refusal rests on a state, so it cannot be placed like the fence of an operator, which rests on none.
#[test]
fn a_strict_refusal_that_claims_the_position_of_its_node_is_caught() {
    assert_caught(
        &Scenario::strict_refusal(),
        Mutant::SeenIsPosition,
        STRICT_REFUSAL_BINDS,
    );
}

/// Both edges: what the window has forgotten, and where its reader began.
#[test]
fn a_load_that_asks_only_the_window_how_far_the_journal_must_be_is_caught() {
    assert_caught(&Scenario::long_history(), Mutant::LoadWaitsByWindowOnly, EXACT_HISTORY);
    assert_caught(
        &Scenario::restored_journal(),
        Mutant::LoadWaitsByWindowOnly,
        EXACT_HISTORY,
    );
    assert_caught(
        &Scenario::journal_restored_meanwhile(),
        Mutant::LoadWaitsByWindowOnly,
        EXACT_HISTORY,
    );
}

#[test]
fn a_journal_without_fences_is_caught() {
    assert_caught(&Scenario::fences(), Mutant::FencesAreNotJournaled, READERS_AGREE);
}

#[test]
fn a_journal_that_answers_for_a_category_fence_with_commits_is_caught() {
    assert_caught(&Scenario::fences(), Mutant::CategoryFenceYieldsToCommits, READERS_AGREE);
}

#[test]
fn a_refusal_on_top_of_a_commit_in_flight_is_caught() {
    assert_caught(&Scenario::overlay(), Mutant::RefusesOnOverlay, REFUSAL_WAS_TRUE);
}

#[test]
fn a_reader_that_does_not_wait_for_the_journal_is_caught() {
    assert_caught(
        &Scenario::restored_journal(),
        Mutant::DoesNotWaitForTheJournal,
        READERS_AGREE,
    );
    assert_caught(
        &Scenario::journal_restored_meanwhile(),
        Mutant::DoesNotWaitForTheJournal,
        READERS_AGREE,
    );
}
