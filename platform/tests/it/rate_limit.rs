use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use platform::problem::Problem;
use platform::rate_limit::{RateLimiter, RetryAfter};

fn limiter(per_second: u32, burst: u32) -> RateLimiter {
    RateLimiter::new(NonZeroU32::new(per_second).unwrap(), NonZeroU32::new(burst).unwrap())
}

#[test]
fn a_key_gets_its_burst_and_then_has_to_wait() {
    let limiter = limiter(1, 3);
    for _ in 0..3 {
        limiter.check("one").unwrap();
    }

    let early = limiter.check("one").unwrap_err();

    assert!(
        early.wait > Duration::ZERO && early.wait <= Duration::from_secs(1),
        "{early:?}"
    );
    assert_eq!(early.seconds(), 1);
    limiter.check("another").unwrap();
}

#[test]
fn a_key_is_let_through_again_after_the_wait() {
    let limiter = limiter(50, 1);
    limiter.check("one").unwrap();
    let wait = limiter.check("one").unwrap_err().wait;
    let started = Instant::now();

    while limiter.check("one").is_err() {
        assert!(started.elapsed() < Duration::from_secs(5), "never let through");
        std::thread::yield_now();
    }

    // The clock of the limiter was read a little earlier than ours.
    assert!(started.elapsed() + Duration::from_millis(5) >= wait);
}

#[test]
fn the_number_of_keys_is_bounded_even_when_all_are_busy() {
    let limiter = limiter(1, 1);

    for key in 0..210_000 {
        limiter.check(&key.to_string()).unwrap();
        if key % 10_000 == 0 {
            assert!(limiter.key_count() <= 101_024, "{}", limiter.key_count());
        }
    }
}

#[test]
fn the_wait_becomes_a_problem_with_whole_seconds() {
    let problem = Problem::from(RetryAfter {
        wait: Duration::from_millis(1_200),
    });

    assert_eq!(
        (problem.status(), problem.code()),
        (StatusCode::TOO_MANY_REQUESTS, "request.rate-limited")
    );
    assert_eq!(problem.to_json()["retryAfterSeconds"], 2);
}
