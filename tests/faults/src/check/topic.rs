//! The topic against the journal: the acceptance rule applied once more, as its sentence says it, record by record from the first.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::log::{Log as _, LogRecord, Pace};
use kafka::{KafkaLog, KafkaOptions};
use uuid::Uuid;

use super::{Check, JournaledEvent};
use crate::cluster::TOPIC;

/// Between two batches of a topic that is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event as a commit of the topic announces it.
#[derive(Debug, PartialEq, Eq)]
struct Announced {
    stream: String,
    revision: u64,
    command: Uuid,
}

/// By partition, offset and number in the commit.
type Accepted = BTreeMap<(u32, u64, u64), Announced>;

pub(super) async fn checks(bootstrap: &str, events: &[JournaledEvent]) -> Result<Vec<Check>> {
    let mut judge = Judge::default();
    read(bootstrap, |record| judge.take(record)).await?;
    let mut check = Check::new("the journal holds exactly the events of the accepted commits of the topic");
    let mut accepted = judge.accepted;
    for event in events {
        let place = (event.partition, event.offset, event.index);
        let announced = accepted.remove(&place);
        let journaled = Announced {
            stream: event.stream.clone(),
            revision: event.revision,
            command: event.command,
        };
        check.look(announced.as_ref() == Some(&journaled), || {
            format!("at {place:?} the journal has {journaled:?} and the topic {announced:?}")
        });
    }
    for (place, announced) in accepted {
        check.look(false, || {
            format!("at {place:?} the topic has {announced:?} and the journal nothing")
        });
    }
    let mut judged = Check::new("every record of the topic is a pin or can be judged, and offsets have no gaps");
    judged.items = judge.records;
    judged.violations = u64::try_from(judge.faults.len())?;
    judged.quoted = judge.faults;
    judged.quoted.truncate(super::QUOTED);
    judged.claim = format!(
        "{} ({} void by the rule, {} fences)",
        judged.claim, judge.voids, judge.fences
    );
    Ok(vec![judged, check])
}

/// What the rule needs to remember.
#[derive(Debug, Default)]
struct Judge {
    next: HashMap<u32, u64>,
    /// The last accepted offset by partition and stream.
    last: HashMap<(u32, String), i64>,
    accepted: Accepted,
    records: u64,
    voids: u64,
    fences: u64,
    faults: Vec<String>,
}

impl Judge {
    fn take(&mut self, record: &LogRecord) {
        self.records += 1;
        let next = self.next.entry(record.partition).or_default();
        if record.offset != *next {
            self.faults.push(format!(
                "partition {} goes on at {} after {next}",
                record.partition, record.offset
            ));
        }
        *next = record.offset + 1;
        if record.header("kind") == Some("pin") {
            return;
        }
        if let Err(error) = self.judge(record) {
            self.faults.push(format!(
                "partition {} offset {}: {error:#}",
                record.partition, record.offset
            ));
        }
    }

    fn judge(&mut self, record: &LogRecord) -> Result<()> {
        let header = |name: &'static str| record.header(name).with_context(|| format!("no header {name}"));
        let kind = header("kind")?;
        ensure!(matches!(kind, "commit" | "stream-fence"), "nobody here writes {kind}");
        let stream = String::from_utf8(record.key.to_vec())?;
        let seen: i64 = header("seen")?.parse()?;
        let offset = i64::try_from(record.offset)?;
        let key = (record.partition, stream.clone());
        let overtaken = self.last.get(&key).is_some_and(|last| *last > seen);
        if offset - seen > i64::try_from(DEFAULT_WINDOW)? || overtaken {
            self.voids += 1;
            return Ok(());
        }
        self.last.insert(key, offset);
        if kind == "stream-fence" {
            self.fences += 1;
            return Ok(());
        }
        let mut revision = match header("expected")? {
            "none" => 0,
            expected => expected.parse::<u64>()? + 1,
        };
        let mut index = 0;
        for command in header("commands")?.split(',') {
            let mut parts = command.split(':');
            let (Some(id), Some(count)) = (parts.next(), parts.nth(1)) else {
                bail!("a command cannot be read: {command}");
            };
            for _ in 0..count.parse::<u64>()? {
                let announced = Announced {
                    stream: stream.clone(),
                    revision,
                    command: id.parse()?,
                };
                self.accepted
                    .insert((record.partition, record.offset, index), announced);
                (revision, index) = (revision + 1, index + 1);
            }
        }
        Ok(())
    }
}

/// Gives every record that the topic has now.
async fn read(bootstrap: &str, mut take: impl FnMut(&LogRecord)) -> Result<()> {
    let log = KafkaLog::open(KafkaOptions {
        brokers: bootstrap.to_owned(),
        topic: TOPIC.to_owned(),
        ..KafkaOptions::default()
    })
    .await?;
    let mut ends = BTreeMap::new();
    for partition in 0..log.partitions() {
        ends.insert(partition, log.end_offset(partition).await?);
    }
    ends.retain(|_, end| *end > 0);
    let mut reader = log.read(
        (0..log.partitions()).map(|partition| (partition, 0)).collect(),
        Pace::Prompt,
    );
    while !ends.is_empty() {
        let batch = tokio::time::timeout(PATIENCE, reader.recv())
            .await
            .context("the topic is not read to its end")?;
        for record in batch.context("the reader of the topic ended")?? {
            take(&record);
            if ends.get(&record.partition).is_some_and(|end| record.offset + 1 >= *end) {
                ends.remove(&record.partition);
            }
        }
    }
    Ok(())
}
