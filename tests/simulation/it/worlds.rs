//! The promise itself: `./dev simulate --seeds 2000`, as a test.

use simulation::Product;
use simulation::run::{Run, run};

const WORLDS: u64 = 2_000;

#[test]
fn two_thousand_worlds_keep_every_promise_and_meet_every_case() {
    let summary = run(
        &Run {
            from: 1,
            seeds: Some(WORLDS),
            longest: None,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            keep_going: true,
            product: Product::AsItIs,
        },
        |_| {},
    );
    for (seed, violations) in &summary.failures {
        println!("./dev simulate --seed {seed}");
        for violation in violations {
            println!("  {violation}");
        }
    }
    assert_eq!(summary.failures.keys().collect::<Vec<_>>(), Vec::<&u64>::new());
    assert_eq!(summary.worlds, WORLDS);
    assert_eq!(summary.coverage.missing(), Vec::<&str>::new());
}
