//! A log in memory whose delays, reorderings, duplicates and lost answers follow from a seed.
//!
//! It behaves like Apache Kafka under its worst client settings: an append may take any time to reach the log, may be
//! written twice, may be written although the answer is lost, or may fail before anything is written. What is written
//! has offsets without gaps and never changes. On a paused Tokio clock a run is exactly repeatable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{mpsc, watch};

use crate::acceptance::Ruling;
use crate::log::{Log, LogError, LogReader, LogRecord, Pace, Record};

/// How badly the log behaves. Chances are out of 1,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Longest time until an append reaches the log, and until its answer comes back.
    pub max_delay: Duration,
    /// A record is written twice, the second time later.
    pub duplicate: u32,
    /// It is written, but the answer is lost.
    pub lost_answer: u32,
    /// It fails before anything is written.
    pub refused: u32,
    /// Longest time between a write and its reaching a reader.
    pub max_read_delay: Duration,
}

impl Weather {
    /// Nothing goes wrong and nothing takes time.
    pub const CALM: Self = Self {
        max_delay: Duration::ZERO,
        duplicate: 0,
        lost_answer: 0,
        refused: 0,
        max_read_delay: Duration::ZERO,
    };

    /// Everything goes wrong often.
    pub const STORM: Self = Self {
        max_delay: Duration::from_millis(50),
        duplicate: 50,
        lost_answer: 30,
        refused: 30,
        max_read_delay: Duration::from_millis(20),
    };
}

/// The log. Cheap to clone; all clones are one log.
#[derive(Clone)]
pub struct SimulatedLog {
    shared: Arc<Shared>,
}

struct Shared {
    weather: Weather,
    partitions: u32,
    state: Mutex<State>,
    written: watch::Sender<u64>,
}

struct State {
    rulings: Vec<Ruling>,
    random: StdRng,
    logs: Vec<Vec<LogRecord>>,
}

/// Largest record, as a broker with default settings has it.
const MAX_RECORD_BYTES: usize = 1_048_576;
/// Records in one batch of a reader.
const READ_BATCH: usize = 500;

impl SimulatedLog {
    /// An empty log without pins.
    pub fn new(seed: u64, partitions: u32, weather: Weather) -> Self {
        let state = State {
            rulings: Vec::new(),
            random: StdRng::seed_from_u64(seed),
            logs: vec![Vec::new(); partitions as usize],
        };
        Self {
            shared: Arc::new(Shared {
                weather,
                partitions,
                state: Mutex::new(state),
                written: watch::Sender::new(0),
            }),
        }
    }

    /// Everything in a partition, for checkers.
    pub fn records(&self, partition: u32) -> Vec<LogRecord> {
        self.shared
            .state()
            .logs
            .get(partition as usize)
            .cloned()
            .unwrap_or_default()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chance(&self, of_thousand: u32) -> bool {
        of_thousand > 0 && self.state().random.random_range(0..1_000) < of_thousand
    }

    async fn pause(&self, max: Duration) {
        if max > Duration::ZERO {
            let micros = u64::try_from(max.as_micros()).unwrap_or(u64::MAX);
            let pause = self.state().random.random_range(0..=micros);
            tokio::time::sleep(Duration::from_micros(pause)).await;
        }
    }

    fn write(&self, partition: u32, record: &Record) -> u64 {
        let mut state = self.state();
        let Some(log) = state.logs.get_mut(partition as usize) else {
            return 0;
        };
        let offset = log.len() as u64;
        log.push(LogRecord {
            partition,
            offset,
            // A clock of its own, so that a run does not depend on the machine's.
            recorded_at: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(i64::try_from(offset).unwrap_or(0)),
            key: record.key.clone(),
            headers: record
                .headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            value: record.value.clone(),
        });
        drop(state);
        self.written.send_modify(|count| *count += 1);
        offset
    }

    fn available(&self, partition: u32, from: u64) -> Vec<LogRecord> {
        let state = self.state();
        let Some(log) = state.logs.get(partition as usize) else {
            return Vec::new();
        };
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(log.len());
        log.iter().skip(from).take(READ_BATCH).cloned().collect()
    }
}

#[async_trait]
impl Log for SimulatedLog {
    fn partitions(&self) -> u32 {
        self.shared.partitions
    }

    fn max_record_bytes(&self) -> usize {
        MAX_RECORD_BYTES
    }

    async fn append(&self, partition: u32, record: Record) -> Result<u64, LogError> {
        if record.size() > MAX_RECORD_BYTES {
            return Err(LogError::TooLarge {
                bytes: record.size(),
                limit: MAX_RECORD_BYTES,
            });
        }
        let shared = Arc::clone(&self.shared);
        // A task of its own: what was sent arrives even when the sender stops waiting.
        let sent = tokio::spawn(async move {
            let weather = shared.weather;
            if shared.chance(weather.refused) {
                return Err(LogError::Unavailable("the simulated broker refused".to_owned()));
            }
            shared.pause(weather.max_delay).await;
            let offset = shared.write(partition, &record);
            if shared.chance(weather.duplicate) {
                let again = Arc::clone(&shared);
                tokio::spawn(async move {
                    again.pause(weather.max_delay).await;
                    again.write(partition, &record);
                });
            }
            if shared.chance(weather.lost_answer) {
                return Err(LogError::Unknown("the simulated answer was lost".to_owned()));
            }
            shared.pause(weather.max_delay).await;
            Ok(offset)
        });
        sent.await
            .unwrap_or_else(|_| Err(LogError::Unknown("the simulation ended".to_owned())))
    }

    fn read(&self, from: Vec<(u32, u64)>, _pace: Pace) -> LogReader {
        let (sender, receiver) = mpsc::channel(16);
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let mut written = shared.written.subscribe();
            let mut next = from;
            loop {
                written.mark_unchanged();
                let mut idle = true;
                for (partition, offset) in &mut next {
                    let records = shared.available(*partition, *offset);
                    if records.is_empty() {
                        continue;
                    }
                    idle = false;
                    *offset += records.len() as u64;
                    shared.pause(shared.weather.max_read_delay).await;
                    if sender.send(Ok(records)).await.is_err() {
                        return;
                    }
                }
                if idle {
                    tokio::select! {
                        () = sender.closed() => return,
                        changed = written.changed() => if changed.is_err() { return },
                    }
                }
            }
        });
        receiver
    }

    async fn end_offset(&self, partition: u32) -> Result<u64, LogError> {
        self.shared.pause(self.shared.weather.max_read_delay).await;
        let length = self.shared.state().logs.get(partition as usize).map_or(0, Vec::len);
        Ok(length as u64)
    }

    async fn rulings(&self) -> Result<Vec<Ruling>, LogError> {
        Ok(self.shared.state().rulings.clone())
    }

    async fn rule(&self, ruling: &Ruling) -> Result<(), LogError> {
        self.shared.state().rulings.push(ruling.clone());
        Ok(())
    }
}
