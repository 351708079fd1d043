//! A log in memory whose delays, reorderings, duplicates and lost answers follow from a seed.
//!
//! It behaves like Apache Kafka under its worst client settings: an append may take any time to reach the log, may be
//! written twice, may be written although the answer is lost, or may fail before anything is written. What is written
//! has offsets without gaps and never changes. On a paused Tokio clock a run is exactly repeatable.
//!
//! A [`Gate`] stands between one process and log and journal: through it the process can be held, cut off for ever, and
//! told an old end of a partition.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{Notify, mpsc};

use crate::acceptance::Ruling;
use crate::log::{Log, LogError, LogReader, LogRecord, Pace, Record};

mod gate;

pub use gate::{Deposition, Gate, GateCounts};

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
    partitions: u32,
    max_record_bytes: usize,
    state: Mutex<State>,
    written: Notify,
}

struct State {
    rulings: Vec<Ruling>,
    weather: Weather,
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
        Self::with_record_limit(seed, partitions, weather, MAX_RECORD_BYTES)
    }

    /// One that takes no record larger than this.
    pub fn with_record_limit(seed: u64, partitions: u32, weather: Weather, max_record_bytes: usize) -> Self {
        let state = State {
            rulings: Vec::new(),
            weather,
            random: StdRng::seed_from_u64(seed),
            logs: vec![Vec::new(); partitions as usize],
        };
        Self {
            shared: Arc::new(Shared {
                partitions,
                max_record_bytes,
                state: Mutex::new(state),
                written: Notify::new(),
            }),
        }
    }

    /// Changes how badly it behaves from now on, also for what is on its way.
    pub fn set_weather(&self, weather: Weather) {
        self.shared.state().weather = weather;
    }

    /// How many records a partition holds; this takes no time and is always true.
    pub fn length(&self, partition: u32) -> u64 {
        self.shared.length(partition)
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

    fn length(&self, partition: u32) -> u64 {
        self.state().logs.get(partition as usize).map_or(0, Vec::len) as u64
    }

    fn chance(&self, of: impl Fn(&Weather) -> u32) -> bool {
        let mut state = self.state();
        let of_thousand = of(&state.weather);
        of_thousand > 0 && state.random.random_range(0..1_000) < of_thousand
    }

    async fn pause(&self, longest: impl Fn(&Weather) -> Duration) {
        let max = longest(&self.state().weather);
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
        self.written.notify_waiters();
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
        self.shared.max_record_bytes
    }

    async fn append(&self, partition: u32, record: Record) -> Result<u64, LogError> {
        let (bytes, limit) = (record.size(), self.shared.max_record_bytes);
        if bytes > limit {
            return Err(LogError::TooLarge { bytes, limit });
        }
        let shared = Arc::clone(&self.shared);
        // A task of its own: what was sent arrives even when the sender stops waiting.
        let sent = tokio::spawn(async move {
            if shared.chance(|weather| weather.refused) {
                return Err(LogError::Unavailable("the simulated broker refused".to_owned()));
            }
            shared.pause(|weather| weather.max_delay).await;
            let offset = shared.write(partition, &record);
            if shared.chance(|weather| weather.duplicate) {
                let again = Arc::clone(&shared);
                tokio::spawn(async move {
                    again.pause(|weather| weather.max_delay).await;
                    again.write(partition, &record);
                });
            }
            if shared.chance(|weather| weather.lost_answer) {
                return Err(LogError::Unknown("the simulated answer was lost".to_owned()));
            }
            shared.pause(|weather| weather.max_delay).await;
            Ok(offset)
        });
        sent.await
            .unwrap_or_else(|_| Err(LogError::Unknown("the simulation ended".to_owned())))
    }

    fn read(&self, from: Vec<(u32, u64)>, _pace: Pace) -> LogReader {
        let (sender, receiver) = mpsc::channel(16);
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let mut next = from;
            loop {
                // Asked for before looking, so that nothing written is missed.
                let written = shared.written.notified();
                let mut idle = true;
                for (partition, offset) in &mut next {
                    let records = shared.available(*partition, *offset);
                    if records.is_empty() {
                        continue;
                    }
                    idle = false;
                    *offset += records.len() as u64;
                    shared.pause(|weather| weather.max_read_delay).await;
                    if sender.send(Ok(records)).await.is_err() {
                        return;
                    }
                }
                if idle {
                    tokio::select! {
                        biased;
                        () = sender.closed() => return,
                        () = written => {}
                    }
                }
            }
        });
        receiver
    }

    async fn end_offset(&self, partition: u32) -> Result<u64, LogError> {
        self.shared.pause(|weather| weather.max_read_delay).await;
        Ok(self.shared.length(partition))
    }

    async fn rulings(&self) -> Result<Vec<Ruling>, LogError> {
        Ok(self.shared.state().rulings.clone())
    }

    async fn rule(&self, ruling: &Ruling) -> Result<(), LogError> {
        self.shared.state().rulings.push(ruling.clone());
        Ok(())
    }
}
