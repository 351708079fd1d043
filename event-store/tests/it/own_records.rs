//! What a node wrote itself it need not read; and it reads it all the same, to compare.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use domain::StreamId;
use event_store::StoreError;
use event_store::acceptance::{DEFAULT_WINDOW, Ruling};
use event_store::log::{Log, LogError, LogReader, LogRecord, Pace, Record};
use event_store::log_store::{LogStore, LogStoreOptions};
use event_store::simulator::SimulatedLog;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::DropGuard;
use uuid::Uuid;

use crate::simulated::{PATIENCE, SimulatedWorld, append};

/// What readers of a [`WatchedLog`] get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    Nothing,
    Everything,
    /// Their connection breaks; then there is nothing.
    Broken,
    /// Another value than the one that was written.
    Changed,
}

/// A log between which and its readers somebody stands.
struct WatchedLog {
    log: Arc<SimulatedLog>,
    reads: watch::Sender<Reads>,
}

#[async_trait]
impl Log for WatchedLog {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn max_record_bytes(&self) -> usize {
        self.log.max_record_bytes()
    }

    async fn append(&self, partition: u32, record: Record) -> Result<u64, LogError> {
        self.log.append(partition, record).await
    }

    fn read(&self, from: Vec<(u32, u64)>, pace: Pace) -> LogReader {
        let mut records = self.log.read(from, pace);
        let (told, mut reads) = (self.reads.clone(), self.reads.subscribe());
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            while reads.wait_for(|reads| *reads != Reads::Nothing).await.is_ok() {
                let state = *reads.borrow_and_update();
                let batch = match state {
                    Reads::Broken => {
                        told.send_replace(Reads::Nothing);
                        Some(Err(LogError::Unavailable("it broke".to_owned())))
                    }
                    Reads::Changed => records.recv().await.map(|batch| batch.map(changed)),
                    Reads::Everything | Reads::Nothing => records.recv().await,
                };
                let Some(batch) = batch else { return };
                let breaks = batch.is_err();
                if sender.send(batch).await.is_err() || breaks {
                    return;
                }
            }
        });
        receiver
    }

    async fn end_offset(&self, partition: u32) -> Result<u64, LogError> {
        self.log.end_offset(partition).await
    }

    async fn rulings(&self) -> Result<Vec<Ruling>, LogError> {
        self.log.rulings().await
    }

    async fn rule(&self, ruling: &Ruling) -> Result<(), LogError> {
        self.log.rule(ruling).await
    }
}

fn changed(mut records: Vec<LogRecord>) -> Vec<LogRecord> {
    for record in &mut records {
        record.value = Bytes::from_static(b"[]");
    }
    records
}

/// A node that reads nothing yet.
async fn open(world: &SimulatedWorld) -> (LogStore, watch::Sender<Reads>) {
    let reads = watch::Sender::new(Reads::Nothing);
    let log = Arc::new(WatchedLog {
        log: world.log.clone(),
        reads: reads.clone(),
    });
    let options = LogStoreOptions::default();
    let store = LogStore::start(log, world.journal.clone(), &world.pin, options).await;
    (store.unwrap(), reads)
}

/// A log of one partition whose pin is in the journal, so that nodes begin behind it.
async fn world() -> (SimulatedWorld, DropGuard) {
    let world = SimulatedWorld::new(1, DEFAULT_WINDOW).await;
    let journaler = world.start_journaler();
    world.journaled(1).await;
    (world, journaler)
}

fn stream() -> StreamId {
    StreamId::parse(&format!("sample-{}", Uuid::new_v4())).unwrap()
}

/// Appends until it fails for another reason than that nobody knows whether it did.
async fn refused(store: &LogStore) -> StoreError {
    let refused = async {
        loop {
            match append(store, &stream()).await {
                Ok(_) | Err(StoreError::OutcomeUnknown { .. }) => tokio::task::yield_now().await,
                Err(error) => return error,
            }
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_reads_nothing_judges_what_it_wrote_itself() {
    let (world, _journaler) = world().await;
    let (node, _reads) = open(&world).await;
    for _ in 0..3 {
        assert_eq!(append(&node, &stream()).await.unwrap(), 0);
    }
    let appends = (0..16).map(|_| async { append(&node, &stream()).await.unwrap() });
    let revisions = futures::future::join_all(appends).await;
    assert_eq!(revisions, [0; 16]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_behind_a_record_of_another_node_waits_until_that_is_read() {
    let (world, _journaler) = world().await;
    let (node, reads) = open(&world).await;
    append(&node, &stream()).await.unwrap();
    append(&world.open().await, &stream()).await.unwrap();

    let behind = stream();
    let mut waits = std::pin::pin!(append(&node, &behind));
    let arrived = async {
        while world.log.length(0) < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answered = &mut waits => panic!("{answered:?} before the record of the other node was read"),
        () = arrived => {}
    }
    reads.send_replace(Reads::Everything);
    assert_eq!(waits.await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_shows_another_record_than_it_acknowledged_stops_the_partition() {
    let (world, _journaler) = world().await;
    let (node, reads) = open(&world).await;
    append(&node, &stream()).await.unwrap();
    reads.send_replace(Reads::Changed);
    let error = refused(&node).await;
    let StoreError::Halted {
        partition,
        offset,
        reason,
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!((*partition, *offset), (0, 1));
    assert!(reason.contains("acknowledged here is another one now"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_was_interrupted_still_compares_what_was_judged_without_it() {
    let (world, _journaler) = world().await;
    let (node, reads) = open(&world).await;
    append(&node, &stream()).await.unwrap();
    append(&node, &stream()).await.unwrap();
    reads.send_replace(Reads::Broken);
    let mut read = reads.subscribe();
    let broken = read.wait_for(|reads| *reads == Reads::Nothing);
    tokio::time::timeout(PATIENCE, broken).await.unwrap().unwrap();
    // Whoever reads next begins where nothing was read yet.
    reads.send_replace(Reads::Changed);
    let error = refused(&node).await;
    assert!(matches!(&error, StoreError::Halted { offset: 1, .. }), "{error:?}");
}
