//! Rules of a quota.

use chrono::{DateTime, Utc};
use domain::Aggregate;
use domain::quota::{LIMIT_MAX, Quota, QuotaCommand, QuotaEvent, QuotaRefusal, WINDOW_MAX_MS};
use domain::task::{EXECUTION_STARTS_PER_HOUR, EXECUTION_STARTS_WINDOW_MS};
use uuid::Uuid;

use crate::harness::{after_noon, analyst, given, noon, owner, service};

const HOUR_MS: i64 = 3_600_000;

fn quota() -> Quota {
    Quota::default()
}

fn reservation(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn reserve(number: u128, limit: u32) -> QuotaCommand {
    QuotaCommand::Reserve {
        reservation: reservation(number),
        limit,
        window_ms: EXECUTION_STARTS_WINDOW_MS,
    }
}

fn reserved(number: u128, at: DateTime<Utc>) -> QuotaEvent {
    QuotaEvent::Reserved {
        reservation: reservation(number),
        at,
    }
}

/// One reservation a minute, the first at noon.
fn one_a_minute(count: u32) -> Vec<QuotaEvent> {
    (0..count)
        .map(|number| reserved(u128::from(number), after_noon(i64::from(number) * 60_000)))
        .collect()
}

#[test]
fn a_reservation_is_made_at_the_time_of_the_command() {
    given(quota, [])
        .when(reserve(1, 10))
        .by(owner())
        .at(after_noon(5))
        .then([reserved(1, after_noon(5))]);
}

#[test]
fn a_user_starts_ten_executions_an_hour() {
    assert_eq!((EXECUTION_STARTS_PER_HOUR, EXECUTION_STARTS_WINDOW_MS), (10, 3_600_000));
    let tenth = after_noon(9 * 60_000);
    given(quota, one_a_minute(9))
        .when(reserve(9, EXECUTION_STARTS_PER_HOUR))
        .by(owner())
        .at(tenth)
        .then([reserved(9, tenth)]);
    given(quota, one_a_minute(10))
        .when(reserve(10, EXECUTION_STARTS_PER_HOUR))
        .by(owner())
        .at(after_noon(10 * 60_000))
        .then_refused(QuotaRefusal::Exhausted {
            limit: 10,
            retry_at: after_noon(HOUR_MS),
        });
}

#[test]
fn a_place_is_free_exactly_when_the_refusal_said() {
    given(quota, one_a_minute(10))
        .when(reserve(10, 10))
        .by(owner())
        .at(after_noon(HOUR_MS - 1))
        .then_refused(QuotaRefusal::Exhausted {
            limit: 10,
            retry_at: after_noon(HOUR_MS),
        });
    given(quota, one_a_minute(10))
        .when(reserve(10, 10))
        .by(owner())
        .at(after_noon(HOUR_MS))
        .then([reserved(10, after_noon(HOUR_MS))]);
}

#[test]
fn the_same_reservation_takes_no_second_place() {
    given(quota, one_a_minute(10))
        .when(reserve(3, 10))
        .by(owner())
        .at(after_noon(1))
        .then_nothing_happened();
}

#[test]
fn imports_need_no_place() {
    given(quota, one_a_minute(10))
        .when(reserve(10, 10))
        .by(service())
        .importing()
        .then_nothing_happened();
    given(quota, [])
        .when(reserve(1, 10))
        .by(service())
        .importing()
        .then_nothing_happened();
}

#[test]
fn a_lowered_limit_waits_until_enough_places_are_free() {
    given(quota, one_a_minute(10))
        .when(reserve(10, 4))
        .by(owner())
        .at(after_noon(10 * 60_000))
        .then_refused(QuotaRefusal::Exhausted {
            limit: 4,
            retry_at: after_noon(HOUR_MS + 6 * 60_000),
        });
}

#[test]
fn times_that_step_back_still_count() {
    let history = [reserved(0, after_noon(1_000)), reserved(1, noon())];
    given(quota, history)
        .when(reserve(2, 2))
        .by(owner())
        .at(noon())
        .then_refused(QuotaRefusal::Exhausted {
            limit: 2,
            retry_at: after_noon(HOUR_MS),
        });
}

#[test]
fn an_analyst_reserves_nothing() {
    given(quota, [])
        .when(reserve(1, 10))
        .by(analyst())
        .then_refused(QuotaRefusal::NotAllowed);
}

#[test]
fn limit_and_window_have_bounds() {
    for limit in [0, LIMIT_MAX + 1, u32::MAX] {
        given(quota, [])
            .when(reserve(1, limit))
            .by(owner())
            .then_refused(QuotaRefusal::LimitOutOfRange);
    }
    for window_ms in [0, WINDOW_MAX_MS + 1, u64::MAX] {
        given(quota, [])
            .when(QuotaCommand::Reserve {
                reservation: reservation(1),
                limit: 1,
                window_ms,
            })
            .by(owner())
            .then_refused(QuotaRefusal::WindowOutOfRange);
    }
}

#[test]
fn a_quota_remembers_no_more_than_the_largest_limit() {
    let mut state = quota();
    for event in one_a_minute(LIMIT_MAX) {
        state.evolve(&event);
    }
    let full = state.weight();
    for event in one_a_minute(5 * LIMIT_MAX) {
        state.evolve(&event);
    }
    assert_eq!(state.weight(), full);
}
