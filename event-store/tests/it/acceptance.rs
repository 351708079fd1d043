//! The rule against its own sentence: a window that forgets, starts in the middle and asks a journal must judge every
//! record as the sentence does over the whole history.

use event_store::acceptance::{Candidate, Digest, History, Reach, Verdict, VoidReason, Window, chain};
use proptest::prelude::*;

const WIDTH: u64 = 12;

#[derive(Debug, Clone)]
struct Written {
    stream: u128,
    category: u128,
    reach: Reach,
    /// How far behind its own offset the author's knowledge lies.
    behind: u64,
}

fn written() -> impl Strategy<Value = Written> {
    (
        0..4_u128,
        prop_oneof![9 => Just(Reach::Stream), 1 => Just(Reach::Category)],
        1..WIDTH + 4,
    )
        .prop_map(|(stream, reach, behind)| Written {
            stream,
            category: stream % 2,
            reach,
            behind,
        })
}

/// The sentence, read literally: every earlier accepted record is looked at.
fn by_the_sentence(log: &[Written]) -> Vec<bool> {
    let mut accepted: Vec<bool> = Vec::new();
    for (offset, record) in log.iter().enumerate() {
        let seen = signed(offset as u64) - signed(record.behind);
        let covered = log[..offset].iter().enumerate().any(|(earlier_offset, earlier)| {
            let covers = match (record.reach, earlier.reach) {
                (Reach::Stream, Reach::Stream) => earlier.stream == record.stream,
                (_, Reach::Category) => earlier.category == record.category,
                (Reach::Category, Reach::Stream) => false,
            };
            accepted[earlier_offset] && covers && signed(earlier_offset as u64) > seen.max(-1)
        });
        accepted.push(record.behind <= WIDTH && !covered);
    }
    accepted
}

fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap()
}

fn content(offset: usize) -> Digest {
    Digest::of([offset.to_string().as_bytes()])
}

/// The running digest after each offset.
fn digests(length: usize) -> Vec<Digest> {
    (0..length)
        .scan(Digest::START, |digest, offset| {
            *digest = chain(*digest, content(offset));
            Some(*digest)
        })
        .collect()
}

fn candidate(offset: usize, record: &Written, digests: &[Digest]) -> Candidate {
    let seen = (signed(offset as u64) - signed(record.behind)).max(-1);
    let digest = usize::try_from(seen).map_or(Digest::START, |seen| digests[seen]);
    Candidate {
        stream: record.stream,
        category: record.category,
        seen,
        digest,
        reach: record.reach,
    }
}

fn read(log: &[Written], start: usize, keeps_digest: bool) -> Vec<bool> {
    let truth = by_the_sentence(log);
    let digests = digests(log.len());
    let before = if start == 0 { Digest::START } else { digests[start - 1] };
    let mut window = Window::starting_at(start as u64, keeps_digest.then_some(before), WIDTH);
    (start..log.len())
        .map(|offset| {
            let candidate = candidate(offset, &log[offset], &digests);
            // What a journal below `start` would answer.
            let last_covering = (0..start)
                .rev()
                .find(|earlier| {
                    let earlier_record = &log[*earlier];
                    truth[*earlier]
                        && match earlier_record.reach {
                            Reach::Category => earlier_record.category == candidate.category,
                            Reach::Stream => {
                                candidate.reach == Reach::Stream && earlier_record.stream == candidate.stream
                            }
                        }
                })
                .map(|offset| offset as u64);
            let asked = window.needs_history(&candidate);
            let history = History {
                last_covering: last_covering.filter(|_| asked),
            };
            match window.judge(offset as u64, || content(offset), Some(&candidate), history) {
                Verdict::Accepted => true,
                Verdict::Void(_) => false,
                Verdict::Halt(reason) => panic!("halted: {reason}"),
            }
        })
        .collect()
}

/// `seen` below -1 does not exist, so a commit that far behind is one that saw nothing.
fn possible(log: Vec<Written>) -> Vec<Written> {
    log.into_iter()
        .enumerate()
        .map(|(offset, record)| Written {
            behind: record.behind.min(offset as u64 + 1),
            ..record
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_window_judges_as_the_sentence_does(log in prop::collection::vec(written(), 0..80)) {
        let log = possible(log);
        prop_assert_eq!(read(&log, 0, true), by_the_sentence(&log));
    }

    #[test]
    fn a_reader_that_starts_anywhere_judges_as_one_that_read_everything(
        log in prop::collection::vec(written(), 1..80), start in any::<prop::sample::Index>(), keeps_digest: bool
    ) {
        let log = possible(log);
        let start = start.index(log.len());
        prop_assert_eq!(read(&log, start, keeps_digest), by_the_sentence(&log)[start..].to_vec());
    }
}

#[test]
fn a_second_copy_of_an_accepted_commit_is_void() {
    let mut window = Window::starting_at(0, Some(Digest::START), WIDTH);
    let commit = Candidate {
        stream: 1,
        category: 1,
        seen: -1,
        digest: Digest::START,
        reach: Reach::Stream,
    };
    assert_eq!(
        window.judge(0, || content(0), Some(&commit), History::default()),
        Verdict::Accepted
    );
    let again = window.judge(1, || content(1), Some(&commit), History::default());
    assert_eq!(again, Verdict::Void(VoidReason::Superseded { by: 0 }));
}

#[test]
fn a_commit_decided_on_another_history_halts_the_partition() {
    let mut window = Window::starting_at(0, Some(Digest::START), WIDTH);
    window.judge(0, || content(0), None, History::default());
    let foreign = Candidate {
        stream: 1,
        category: 1,
        seen: 0,
        digest: Digest(99),
        reach: Reach::Stream,
    };
    assert!(matches!(
        window.judge(1, || content(1), Some(&foreign), History::default()),
        Verdict::Halt(_)
    ));
    let from_the_future = Candidate { seen: 5, ..foreign };
    assert!(matches!(
        window.judge(1, || content(1), Some(&from_the_future), History::default()),
        Verdict::Halt(_)
    ));
}

#[test]
fn a_missing_offset_halts_the_partition() {
    let mut window = Window::starting_at(3, None, WIDTH);
    assert!(matches!(
        window.judge(4, || content(4), None, History::default()),
        Verdict::Halt(_)
    ));
}
