//! Following the log from a cut: accepted events only.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::judging::{JudgingReader, Rules};
use crate::codec::decode_events;
use crate::error::StoreError;
use crate::journal::Journal;
use crate::log::{Log, Pace};
use crate::position::Cut;
use crate::store::{Follow, FollowBatch};

pub(super) struct LogFollow {
    reader: JudgingReader,
}

impl LogFollow {
    pub(super) fn start(
        log: &dyn Log,
        journal: Arc<dyn Journal>,
        from: &Cut,
        partitions: &BTreeSet<u32>,
        rules: &Rules,
    ) -> Self {
        let others = (0..log.partitions()).filter(|partition| !partitions.contains(partition));
        let windows = rules.windows((0..log.partitions()).map(|partition| (from.next(partition), None)));
        Self {
            reader: JudgingReader::go_on(log, journal, windows, Pace::gathering(), others.collect(), None),
        }
    }
}

#[async_trait]
impl Follow for LogFollow {
    async fn next(&mut self) -> Result<FollowBatch, StoreError> {
        let judged = self.reader.next().await?;
        let mut batch = FollowBatch::default();
        for judged in judged {
            batch.cut.raise(judged.record.partition, judged.record.offset + 1);
            if let Some(header) = judged
                .header
                .as_ref()
                .filter(|header| judged.accepted && !header.is_fence)
            {
                batch.events.extend(decode_events(&judged.record, header)?);
            }
        }
        Ok(batch)
    }
}
