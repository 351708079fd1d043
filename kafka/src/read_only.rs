//! The log for those who only read it: nothing is created, watched or written.

use std::sync::Arc;

use async_trait::async_trait;
use event_store::acceptance::Ruling;
use event_store::codec::Pin;
use event_store::log::{Log, LogError, LogReader, Pace, Record};

use crate::ends::Ends;
use crate::log::OpenError;
use crate::options::KafkaOptions;
use crate::seen::SeenEnds;
use crate::{guard, reader, rulings};

/// An existing topic, to be read. Settings are not judged: whoever only reads can harm nothing.
pub struct ReadOnlyKafkaLog {
    options: KafkaOptions,
    partitions: u32,
    ends: Ends,
    seen: Arc<SeenEnds>,
}

impl ReadOnlyKafkaLog {
    /// Connects to a topic that is there.
    pub async fn open(options: KafkaOptions) -> Result<Self, OpenError> {
        options.check()?;
        let options = options.with_files_read()?;
        let partitions = guard::count_partitions(&options)
            .await
            .map_err(|error| OpenError::of_guard(&options, error))?;
        Ok(Self {
            ends: Ends::of(&options)?,
            options,
            partitions,
            seen: Arc::new(SeenEnds::new(partitions)),
        })
    }
}

fn read_only() -> LogError {
    LogError::Unavailable("the log was opened to be read only".to_owned())
}

#[async_trait]
impl Log for ReadOnlyKafkaLog {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn max_record_bytes(&self) -> usize {
        0
    }

    fn pinned(&self, _pin: &Pin) {}

    async fn append(&self, _partition: u32, _record: Record) -> Result<u64, LogError> {
        Err(read_only())
    }

    fn read(&self, from: Vec<(u32, u64)>, pace: Pace) -> LogReader {
        reader::read(&self.options, from, pace, Arc::clone(&self.seen))
    }

    async fn end_offset(&self, partition: u32) -> Result<u64, LogError> {
        self.ends.end(partition).await
    }

    async fn rulings(&self) -> Result<Vec<Ruling>, LogError> {
        rulings::read_all(&self.options).await
    }

    async fn rule(&self, _ruling: &Ruling) -> Result<(), LogError> {
        Err(read_only())
    }
}
