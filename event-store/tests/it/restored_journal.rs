//! A journal that is put back to an older state while everything runs is filled again.

use std::sync::Arc;
use std::time::Duration;

use domain::StreamId;
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::codec::{Pin, encode_commit};
use event_store::journal::Journal;
use event_store::journal::memory::MemoryJournal;
use event_store::journal::postgres::{LogKind, PostgresJournal};
use event_store::log::Log as _;
use event_store::log_store::{Journaler, open_log};
use event_store::simulator::{SimulatedLog, Weather};
use event_store::{AppendToStreamOptions, Basis, Commit, CommittedCommand, NewEvent, StreamState};
use serde_json::value::RawValue;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::database::migrated;

/// Shorter than a journaler would wait for somebody else to fill the journal.
const PATIENCE: Duration = Duration::from_secs(20);

/// A first commit on a stream of its own.
fn commit() -> Commit {
    Commit {
        id: Uuid::new_v4(),
        stream: StreamId::parse(&format!("sample-{}", Uuid::new_v4())).unwrap(),
        basis: Basis::EMPTY,
        commands: vec![CommittedCommand {
            stamp: AppendToStreamOptions::anonymous(StreamState::Any).stamp,
            events: vec![NewEvent {
                id: Uuid::new_v4().into(),
                event_type: "sample.happened.v1".to_owned(),
                time: chrono::DateTime::UNIX_EPOCH,
                data: RawValue::from_string("{}".to_owned()).unwrap(),
            }],
        }],
    }
}

struct World {
    log: Arc<SimulatedLog>,
    journal: Arc<PostgresJournal>,
    pin: Pin,
}

impl World {
    async fn append(&self) {
        self.log.append(0, encode_commit(&commit(), "").unwrap()).await.unwrap();
    }

    fn start_journaler(&self) -> (JoinHandle<()>, CancellationToken) {
        let stop = CancellationToken::new();
        let journaler = Journaler::new(self.log.clone(), self.journal.clone(), &self.pin).run(stop.clone());
        (tokio::spawn(async move { journaler.await.unwrap() }), stop)
    }

    /// Waits until the journal has taken everything below `offset`.
    async fn journaled(&self, offset: u64) {
        let taken = async {
            while self.journal.checkpoints().await.unwrap()[0].next_offset < offset {
                self.journal.wait_moved().await;
            }
        };
        tokio::time::timeout(PATIENCE, taken).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_journaler_begins_again_when_its_journal_was_put_back() {
    let log = Arc::new(SimulatedLog::new(1, 1, Weather::CALM));
    let pin = open_log(&*log, DEFAULT_WINDOW).await.unwrap();
    let pool = migrated().await;
    let journal = PostgresJournal::open(pool.clone(), LogKind::Log, pin.log_id, 1)
        .await
        .unwrap();
    let journal = Arc::new(journal);
    let world = World { log, journal, pin };
    // The pin is offset 0.
    for _ in 0..3 {
        world.append().await;
    }
    let (first, stop) = world.start_journaler();
    world.journaled(4).await;
    stop.cancel();
    first.await.unwrap();
    // This one begins at offset 4.
    let (second, stop) = world.start_journaler();
    world.append().await;
    world.journaled(5).await;

    sqlx::raw_sql(
        "begin; delete from journal.events; update journal.head set position = 0; \
         update journal.checkpoints set next_offset = 0, digest = repeat('0', 32); commit",
    )
    .execute(&pool)
    .await
    .unwrap();
    // Decided before offset 4, so the journaler must ask the journal what was accepted below.
    world.append().await;
    world.journaled(6).await;
    let events: i64 = sqlx::query_scalar("select count(*) from journal.events")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(events, 5);
    stop.cancel();
    second.await.unwrap();
}

/// Found by the simulation: nothing is appended any more, since no stream can be loaded.
#[tokio::test(start_paused = true)]
async fn a_journaler_notices_that_its_journal_was_put_back_while_the_log_is_quiet() {
    let log = Arc::new(SimulatedLog::new(1, 1, Weather::CALM));
    let pin = open_log(&*log, DEFAULT_WINDOW).await.unwrap();
    let journal = MemoryJournal::new(pin.log_id, 1);
    let empty = journal.back_up();
    let stop = CancellationToken::new();
    let journaler = Journaler::new(log.clone(), Arc::new(journal.clone()), &pin);
    let journaler = tokio::spawn(journaler.run(stop.clone()));
    log.append(0, encode_commit(&commit(), "").unwrap()).await.unwrap();
    memory_journaled(&journal, 2).await;

    journal.restore(&empty);
    memory_journaled(&journal, 2).await;
    stop.cancel();
    journaler.await.unwrap().unwrap();
}

async fn memory_journaled(journal: &MemoryJournal, offset: u64) {
    let taken = async {
        while journal.checkpoints().await.unwrap()[0].next_offset < offset {
            journal.wait_moved().await;
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.unwrap();
}
