//! Questions for the ends of partitions.

use std::sync::Arc;
use std::time::Duration;

use event_store::log::{LogError, Pace};
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::sync::Semaphore;

use crate::options::{KafkaOptions, OptionsError};
use crate::reader;

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Questions under way at once; each blocks a thread for a round trip.
const QUESTIONS: usize = 8;

/// Asks where partitions end.
pub(crate) struct Ends {
    consumer: Arc<BaseConsumer>,
    topic: String,
    asking: Arc<Semaphore>,
}

impl Ends {
    pub(crate) fn of(options: &KafkaOptions) -> Result<Self, OptionsError> {
        let consumer = reader::consumer(options, &Pace::Prompt).map_err(|error| options.refused_by_client(error))?;
        Ok(Self {
            consumer: Arc::new(consumer),
            topic: options.topic.clone(),
            asking: Arc::new(Semaphore::new(QUESTIONS)),
        })
    }

    /// The offset that the next record of a partition will get.
    pub(crate) async fn end(&self, partition: u32) -> Result<u64, LogError> {
        let gone = |what: &dyn std::fmt::Display| LogError::Unavailable(what.to_string());
        let permit = Arc::clone(&self.asking)
            .acquire_owned()
            .await
            .map_err(|error| gone(&error))?;
        let (consumer, topic) = (Arc::clone(&self.consumer), self.topic.clone());
        let number = i32::try_from(partition).unwrap_or(i32::MAX);
        let watermarks = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            consumer.fetch_watermarks(&topic, number, PATIENCE)
        });
        let (_, high) = watermarks
            .await
            .map_err(|error| gone(&error))?
            .map_err(|error| gone(&error))?;
        Ok(u64::try_from(high).unwrap_or(0))
    }
}
