//! How far a reader is in each partition, and which of them were harmed: librdkafka says that an offset is not there, not where.

use std::collections::BTreeMap;
use std::time::Duration;

use event_store::log::{LogError, LogRecord};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

/// How long the cluster may take to say where its partitions begin and end.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The partitions that are still read, with the offset that comes next in each.
pub(super) struct Progress {
    next: BTreeMap<u32, u64>,
    /// Errors about offsets that are not there, so far; librdkafka reports each partition once and then leaves it alone.
    errors: usize,
    /// Partitions that were found harmed, so far. One look may find more than the error that led to it was about.
    found: usize,
}

impl Progress {
    pub(super) fn new(from: &[(u32, u64)]) -> Self {
        Self {
            next: from.iter().copied().collect(),
            errors: 0,
            found: 0,
        }
    }

    /// Notes what was read; of a harmed partition nothing is handed on.
    pub(super) fn take(&mut self, mut batch: Vec<LogRecord>) -> Vec<LogRecord> {
        batch.retain(|record| {
            let next = self.next.get_mut(&record.partition);
            next.map(|next| *next = record.offset + 1).is_some()
        });
        batch
    }

    /// Is nothing left to read?
    pub(super) fn is_over(&self) -> bool {
        self.next.is_empty()
    }

    /// The partitions that an error is about, each once. An error that is about none ends the reader: whoever reads begins again
    /// where it was, and meets it again if it lasts.
    pub(super) fn harmed(
        &mut self,
        consumer: &BaseConsumer,
        topic: &str,
        error: &KafkaError,
    ) -> Result<Vec<LogError>, LogError> {
        let unavailable = |error: &KafkaError| LogError::Unavailable(error.to_string());
        match error.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::OffsetOutOfRange
                | RDKafkaErrorCode::AutoOffsetReset
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic,
            ) => {}
            _ => return Err(unavailable(error)),
        }
        self.errors += 1;
        if self.errors <= self.found {
            return Ok(Vec::new());
        }
        let mut harmed = Vec::new();
        let partitions = partition_count(consumer, topic).map_err(|error| unavailable(&error))?;
        for (partition, next) in &self.next {
            let reason = if partitions == 0 {
                Some("the topic is not there any more".to_owned())
            } else if *partition >= partitions {
                Some(format!("the topic has {partitions} partitions now"))
            } else {
                let number = i32::try_from(*partition).unwrap_or(i32::MAX);
                let bounds = consumer.fetch_watermarks(topic, number, ANSWER_TIMEOUT);
                out_of_bounds(*next, bounds.map_err(|error| unavailable(&error))?)
            };
            harmed.extend(reason.map(|reason| LogError::Harmed {
                partition: *partition,
                reason,
            }));
        }
        if harmed.is_empty() {
            return Err(unavailable(error));
        }
        self.found += harmed.len();
        for harm in &harmed {
            if let LogError::Harmed { partition, .. } = harm {
                self.next.remove(partition);
            }
        }
        Ok(harmed)
    }
}

fn partition_count(consumer: &BaseConsumer, topic: &str) -> Result<u32, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER_TIMEOUT)?;
    let count = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

fn out_of_bounds(next: u64, (first, end): (i64, i64)) -> Option<String> {
    let (first, end) = (u64::try_from(first).unwrap_or(0), u64::try_from(end).unwrap_or(0));
    if next < first {
        return Some(format!("the records from offset {next} to {} were deleted", first - 1));
    }
    (next > end).then(|| format!("the records from offset {end} to {} are not there any more", next - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_at_the_end_is_within_bounds() {
        assert_eq!(out_of_bounds(7, (0, 7)), None);
        assert_eq!(out_of_bounds(0, (0, 0)), None);
    }

    #[test]
    fn the_missing_records_are_named() {
        let deleted = out_of_bounds(3, (5, 9)).unwrap();
        assert!(deleted.contains("from offset 3 to 4 were deleted"), "{deleted}");
        let lost = out_of_bounds(9, (0, 7)).unwrap();
        assert!(lost.contains("from offset 7 to 8 are not there"), "{lost}");
    }
}
