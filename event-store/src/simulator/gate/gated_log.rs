//! The log behind a gate.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::Gate;
use crate::acceptance::Ruling;
use crate::log::{Log, LogError, LogReader, LogRecord, Pace, Record};

/// Batches that are on their way through the gate.
const ON_THE_WAY: usize = 4;

pub(super) struct GatedLog {
    log: Arc<dyn Log>,
    gate: Gate,
}

impl GatedLog {
    pub(super) fn new(log: Arc<dyn Log>, gate: Gate) -> Self {
        Self { log, gate }
    }
}

/// Counts an append as under way until it is answered or given up.
struct UnderWay<'a>(&'a Gate);

impl<'a> UnderWay<'a> {
    fn begin(gate: &'a Gate) -> Self {
        gate.count(|counts| counts.appends_under_way += 1);
        Self(gate)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.count(|counts| counts.appends_under_way -= 1);
    }
}

#[async_trait]
impl Log for GatedLog {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn max_record_bytes(&self) -> usize {
        self.log.max_record_bytes()
    }

    async fn append(&self, partition: u32, record: Record) -> Result<u64, LogError> {
        self.gate.pass().await;
        let _under_way = UnderWay::begin(&self.gate);
        let appended = self.log.append(partition, record).await;
        self.gate.pass().await;
        if let Ok(offset) = appended {
            self.gate.tell_delivered(partition, offset);
        }
        appended
    }

    fn read(&self, from: Vec<(u32, u64)>, pace: Pace) -> LogReader {
        let (sender, receiver) = mpsc::channel(ON_THE_WAY);
        let mut batches = self.log.read(from, pace);
        let gate = self.gate.clone();
        tokio::spawn(async move {
            let forward = async {
                while let Some(batch) = batches.recv().await {
                    let last = batch.as_ref().ok().and_then(|records: &Vec<LogRecord>| records.last());
                    match last {
                        // A batch is of one partition and comes whole or not at all.
                        Some(last) => gate.pass_read(last.partition, last.offset).await,
                        None => gate.pass().await,
                    }
                    if sender.send(batch).await.is_err() {
                        return;
                    }
                }
            };
            tokio::select! {
                biased;
                () = sender.closed() => {}
                () = forward => {}
            }
        });
        receiver
    }

    async fn end_offset(&self, partition: u32) -> Result<u64, LogError> {
        self.gate.pass().await;
        let end = self.log.end_offset(partition).await?;
        let told = self.gate.told_end(partition, end);
        self.gate.pass().await;
        Ok(told)
    }

    async fn rulings(&self) -> Result<Vec<Ruling>, LogError> {
        self.gate.pass().await;
        let rulings = self.log.rulings().await;
        self.gate.pass().await;
        rulings
    }

    async fn rule(&self, ruling: &Ruling) -> Result<(), LogError> {
        self.gate.pass().await;
        let ruled = self.log.rule(ruling).await;
        self.gate.pass().await;
        ruled
    }
}
