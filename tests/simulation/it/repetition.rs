//! A seed is a world: the same records in the log, the same answers in the same order, the same moments.

use simulation::{Product, run_world};

const SEEDS: std::ops::Range<u64> = 500..540;

#[test]
fn the_same_seed_gives_the_same_world() {
    for seed in SEEDS {
        let first = run_world(seed, Product::AsItIs, true);
        let again = run_world(seed, Product::AsItIs, true);
        let differs = first
            .trace
            .iter()
            .zip(&again.trace)
            .find(|(first, again)| first != again);
        assert_eq!(differs, None, "world {seed}");
        assert_eq!(first.trace.len(), again.trace.len(), "world {seed}");
        assert_eq!(first.digest, again.digest, "world {seed}");
    }
}

#[test]
fn looking_on_changes_nothing() {
    for seed in SEEDS {
        let watched = run_world(seed, Product::AsItIs, true);
        let unwatched = run_world(seed, Product::AsItIs, false);
        assert_eq!(watched.digest, unwatched.digest, "world {seed}");
        assert!(unwatched.trace.is_empty());
    }
}

#[test]
fn another_seed_gives_another_world() {
    let mut digests: Vec<u64> = SEEDS
        .map(|seed| run_world(seed, Product::AsItIs, false).digest)
        .collect();
    let worlds = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), worlds);
}
