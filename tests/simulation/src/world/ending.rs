//! The end of a world: it becomes quiet, and everything that can be read is read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::StreamId;
use event_store::journal::Journal as _;
use event_store::log::LogRecord;
use event_store::log_store::LogStore;
use event_store::{Cut, EventStore as _, Position, ReadAllOptions, ReadStreamOptions, RecordedEvent, StoreError};
use tokio::time::Instant;

use super::World;
use crate::random::Random;

/// The log has not grown and the journal is level for so long.
const QUIET_FOR: Duration = Duration::from_secs(3);
/// It must be so within.
const QUIET_WITHIN: Duration = Duration::from_secs(40);
/// Every read must be answered within.
const READ_WITHIN: Duration = Duration::from_secs(20);

/// What can be seen of a world after its end.
pub(crate) struct Observed {
    /// All records, by partition.
    pub(crate) records: Vec<Vec<LogRecord>>,
    /// All events of the journal in the order of positions.
    pub(crate) journal: Vec<RecordedEvent>,
    /// Everything became quiet, with the journal at the end of the log.
    pub(crate) quiet: bool,
    pub(crate) readers: Vec<Reader>,
}

/// What one reader says that history is.
pub(crate) struct Reader {
    pub(crate) name: String,
    /// Where it began, by partition.
    pub(crate) from: Cut,
    /// In order within each partition, or within each stream for a reader of streams.
    pub(crate) events: Result<Vec<RecordedEvent>, String>,
}

/// Waits for quiet, and reads.
pub(super) async fn observe(world: &Arc<World>) -> Observed {
    let quiet = become_quiet(world).await;
    let records: Vec<Vec<LogRecord>> = (0..world.plan.partitions)
        .map(|partition| world.log.records(partition))
        .collect();
    let read_all = ReadAllOptions {
        after: Position::START,
        max_count: usize::MAX,
    };
    let journal = world.journal.read_all(&read_all).await.expect("memory does not fail");
    let mut readers = Vec::new();
    // What is not quiet has been found out already, and cannot be read.
    if quiet {
        let streams: BTreeSet<StreamId> = records
            .iter()
            .flatten()
            .filter_map(|record| StreamId::parse(std::str::from_utf8(&record.key).ok()?).ok())
            .collect();
        for index in 0..world.plan.nodes {
            if let Some(node) = world.node(index) {
                readers.push(by_stream(node.name.clone(), &node.store, &streams).await);
            }
        }
        match world.new_node("a fresh node".to_owned()).await {
            Ok(fresh) => {
                readers.push(by_stream(fresh.name.clone(), &fresh.store, &streams).await);
                readers.extend(followers(world, &fresh.store).await);
            }
            Err(violation) => readers.push(Reader {
                name: "a fresh node".to_owned(),
                from: Cut::start(),
                events: Err(violation.to_string()),
            }),
        }
    }
    Observed {
        records,
        journal,
        quiet,
        readers,
    }
}

async fn become_quiet(world: &World) -> bool {
    let partitions = 0..world.plan.partitions;
    let deadline = Instant::now() + QUIET_WITHIN;
    let mut lengths: Vec<u64> = Vec::new();
    let mut since = Instant::now();
    while Instant::now() < deadline {
        let now: Vec<u64> = partitions
            .clone()
            .map(|partition| world.log.length(partition))
            .collect();
        let checkpoints = world.journal.checkpoints().await.expect("memory does not fail");
        let level = checkpoints
            .iter()
            .zip(&now)
            .all(|(checkpoint, end)| checkpoint.next_offset == *end);
        if !level || now != lengths {
            lengths = now;
            since = Instant::now();
        }
        if since.elapsed() >= QUIET_FOR {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    false
}

/// Both ways to read a stream must say the same, and the node must vouch for it.
async fn by_stream(name: String, store: &LogStore, streams: &BTreeSet<StreamId>) -> Reader {
    let read = async {
        let mut events = Vec::new();
        for stream in streams {
            let loaded = store.load(stream, None).await?;
            if !store.confirm(stream, &loaded.basis).await? {
                return Err(StoreError::Corrupt(format!("{stream} was loaded and is not confirmed")));
            }
            let page = store.read_stream(stream, &ReadStreamOptions::default()).await?;
            if page.len() != loaded.events.len() {
                return Err(StoreError::Corrupt(format!(
                    "{stream} is loaded and read with other lengths"
                )));
            }
            events.extend(loaded.events);
        }
        Ok(events)
    };
    let events = tokio::time::timeout(READ_WITHIN, read).await;
    Reader {
        name,
        from: Cut::start(),
        events: events.map_or_else(
            |_| Err("no answer in time".to_owned()),
            |events| events.map_err(|error: StoreError| error.to_string()),
        ),
    }
}

async fn followers(world: &World, store: &LogStore) -> Vec<Reader> {
    let mut random = Random::of(world.plan.seed, "followers");
    let end: Cut = (0..world.plan.partitions)
        .map(|partition| (partition, world.log.length(partition)))
        .collect();
    let middle: Cut = end
        .iter()
        .map(|(partition, end)| (partition, random.between(0, end)))
        .collect();
    let mut readers = Vec::new();
    for (name, from) in [
        ("a follower from the start", Cut::start()),
        ("a follower from the middle", middle),
    ] {
        let follow = async {
            let mut events = Vec::new();
            let mut cut = from.clone();
            let mut follower = store.follow(from.clone()).await?;
            while !cut.covers(&end) {
                let batch = follower.next().await?;
                cut.merge(&batch.cut);
                events.extend(batch.events);
            }
            Ok::<_, StoreError>(events)
        };
        let events = tokio::time::timeout(READ_WITHIN, follow).await;
        let events = events.map_or_else(
            |_| Err("no end in time".to_owned()),
            |events| events.map_err(|error| error.to_string()),
        );
        readers.push(Reader {
            name: name.to_owned(),
            from,
            events,
        });
    }
    readers
}
