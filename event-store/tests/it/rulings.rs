//! Rulings in the window of a reader.

use std::collections::BTreeMap;

use event_store::acceptance::{Candidate, Digest, History, Reach, Ruled, Verdict, VoidReason, Window, chain};

const WIDTH: u64 = 100;
/// Records 3, 4 and 5 are gone.
const GAP: u64 = 3;
const UNTIL: u64 = 6;

fn ruled(offset: u64, ruled: Ruled) -> BTreeMap<u64, Ruled> {
    BTreeMap::from([(offset, ruled)])
}

fn content(offset: u64) -> Digest {
    Digest::of([offset.to_string().as_bytes()])
}

fn commit(seen: i64, digest: Digest) -> Candidate {
    Candidate {
        stream: 1,
        category: 2,
        seen,
        digest,
        reach: Reach::Stream,
    }
}

/// A reader that has judged the three records before the gap.
fn before_the_gap(rulings: BTreeMap<u64, Ruled>) -> Window {
    let mut window = Window::starting_at(0, Some(Digest::START), WIDTH).under(rulings);
    for offset in 0..GAP {
        judge(&mut window, offset, None);
    }
    window
}

fn judge(window: &mut Window, offset: u64, candidate: Option<&Candidate>) -> Verdict {
    window.judge(offset, || content(offset), candidate, History::default())
}

#[test]
fn records_that_are_ruled_to_be_missing_are_passed_and_what_was_decided_on_them_is_void() {
    let mut window = before_the_gap(ruled(GAP, Ruled::Missing { until: UNTIL }));
    let known = window.digest().unwrap();
    let on_what_is_there = commit(2, known);
    assert_eq!(judge(&mut window, UNTIL, Some(&on_what_is_there)), Verdict::Accepted);
    for (offset, seen) in [(7, 3), (8, 5)] {
        let on_what_is_lost = commit(seen, Digest(5));
        let verdict = judge(&mut window, offset, Some(&on_what_is_lost));
        assert_eq!(verdict, Verdict::Void(VoidReason::Ruled), "seen {seen}");
    }
    // From here on history is compared again, over what is there.
    let after = [UNTIL, 7, 8]
        .into_iter()
        .fold(known, |digest, offset| chain(digest, content(offset)));
    assert_eq!(judge(&mut window, 9, Some(&commit(8, after))), Verdict::Accepted);
    assert!(matches!(
        judge(&mut window, 10, Some(&commit(9, Digest(5)))),
        Verdict::Halt(_)
    ));
}

#[test]
fn a_reader_that_starts_behind_missing_records_judges_as_one_that_passed_them() {
    let mut window = Window::starting_at(7, None, WIDTH).under(ruled(GAP, Ruled::Missing { until: UNTIL }));
    assert_eq!(
        judge(&mut window, 7, Some(&commit(4, Digest(5)))),
        Verdict::Void(VoidReason::Ruled)
    );
    assert_eq!(judge(&mut window, 8, Some(&commit(6, Digest(5)))), Verdict::Accepted);
}

#[test]
fn another_gap_than_the_one_that_was_ruled_on_halts() {
    for (offset, until) in [(GAP, UNTIL + 1), (GAP + 1, UNTIL)] {
        let mut window = before_the_gap(ruled(offset, Ruled::Missing { until }));
        assert!(
            matches!(judge(&mut window, UNTIL, None), Verdict::Halt(_)),
            "{offset} {until}"
        );
    }
}

#[test]
fn a_record_is_void_or_judged_as_it_was_ruled() {
    let foreign = commit(2, Digest(99));
    for (ruling, verdict) in [
        (Ruled::Void, Verdict::Void(VoidReason::Ruled)),
        (Ruled::Judge, Verdict::Accepted),
    ] {
        let mut window = before_the_gap(ruled(GAP, ruling));
        assert_eq!(judge(&mut window, GAP, Some(&foreign)), verdict);
        // A ruling is about one record.
        assert!(matches!(
            judge(&mut window, GAP + 1, Some(&commit(3, Digest(99)))),
            Verdict::Halt(_)
        ));
    }
}
