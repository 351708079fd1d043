//! The committed test vectors, which an implementation in another language can use too.

use domain::StreamId;
use domain::stream::partition_of;
use event_store::acceptance::{Candidate, Digest, History, Reach, Verdict, Window, chain};
use serde::Deserialize;

const VECTORS: &str = include_str!("../vectors/acceptance.json");

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    rule_version: u32,
    stream_hashes: Vec<StreamHash>,
    digests: Vec<DigestStep>,
    verdicts: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamHash {
    text: String,
    hash: String,
    partition_of16: u32,
    partition_of3: u32,
}

#[derive(Debug, Deserialize)]
struct DigestStep {
    key: String,
    value: String,
    headers: Vec<(String, String)>,
    content: String,
    before: String,
    after: String,
}

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    window: u64,
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    kind: String,
    #[serde(default)]
    stream: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    seen: i64,
    verdict: String,
}

impl Record {
    fn is_accepted(&self) -> bool {
        self.verdict == "accepted"
    }

    fn candidate(&self) -> Option<Candidate> {
        let reach = match self.kind.as_str() {
            "commit" | "stream-fence" => Reach::Stream,
            "category-fence" => Reach::Category,
            _ => return None,
        };
        Some(Candidate {
            stream: Digest::of([self.stream.as_bytes()]).0,
            category: Digest::of([self.category.as_bytes()]).0,
            seen: self.seen,
            digest: Digest::START,
            reach,
        })
    }

    /// Does it, once accepted, stand in the way of `later`?
    fn covers(&self, later: &Self) -> bool {
        match (self.kind.as_str(), later.kind.as_str()) {
            ("category-fence", _) => self.category == later.category,
            (_, "category-fence") => false,
            _ => self.stream == later.stream,
        }
    }
}

fn vectors() -> Vectors {
    serde_json::from_str(VECTORS).unwrap()
}

fn digest(text: &str) -> Digest {
    Digest(u128::from_str_radix(text, 16).unwrap())
}

#[test]
fn stream_hashes_and_partitions_are_those_of_the_vectors() {
    let vectors = vectors();
    assert_eq!(vectors.rule_version, event_store::acceptance::RULE_VERSION);
    for vector in vectors.stream_hashes {
        let hash = StreamId::parse(&vector.text).unwrap().hash128();
        assert_eq!(format!("{hash:032x}"), vector.hash, "{}", vector.text);
        assert_eq!(partition_of(hash, 16), vector.partition_of16, "{}", vector.text);
        assert_eq!(partition_of(hash, 3), vector.partition_of3, "{}", vector.text);
    }
}

#[test]
fn running_digests_are_those_of_the_vectors() {
    for step in vectors().digests {
        let headers = step
            .headers
            .iter()
            .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
        let content = Digest::of([step.key.as_bytes(), step.value.as_bytes()].into_iter().chain(headers));
        assert_eq!(content, digest(&step.content), "{step:?}");
        assert_eq!(chain(digest(&step.before), content), digest(&step.after), "{step:?}");
    }
}

#[test]
fn a_reader_from_any_offset_gives_the_verdicts_of_the_vectors() {
    for case in vectors().verdicts {
        for start in 0..case.records.len() {
            let mut window = Window::starting_at(start as u64, None, case.window);
            for (offset, record) in case.records.iter().enumerate().skip(start) {
                let below = case.records[..start].iter().enumerate();
                let covering = below.filter(|(_, earlier)| earlier.is_accepted() && earlier.covers(record));
                let history = History {
                    last_covering: covering.map(|(offset, _)| offset as u64).max(),
                };
                let candidate = record.candidate();
                let verdict = window.judge(offset as u64, || Digest::START, candidate.as_ref(), history);
                assert_eq!(
                    verdict == Verdict::Accepted,
                    record.is_accepted(),
                    "{}: offset {offset}, read from {start}: {verdict:?}",
                    case.name
                );
            }
        }
    }
}
