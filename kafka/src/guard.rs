//! The topic guard: creates the topic right, refuses one that could harm history, and looks again on a timer.
//!
//! [`Guard::open`] is the look at the start; after it [`Guard::check`] says for every append whether the last look left writes
//! allowed. A wrong setting stops writes until it is mended. Harmed history (deleted records, another number of partitions, a topic
//! made again, a lost end) stops them for good in this process. A cluster that does not answer changes nothing: that is not a finding.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use event_store::codec::{Pin, RecordKind, decode_header};
use event_store::log::{LogError, LogRecord};
use tokio::sync::watch;

use crate::metrics;
use crate::options::KafkaOptions;
use crate::seen::SeenEnds;
use cluster::{ANSWER_TIMEOUT, Cluster, Layout, blocking};
use settings::Settings;
use verdict::{Look, Verdict};

mod cluster;
mod error;
mod inspection;
mod settings;
mod verdict;

pub use error::GuardError;
pub use inspection::{TopicInspection, inspect};
pub use verdict::{GuardState, Stop};

/// While a new topic settles.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What the guard learned about a topic that it found in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Topic {
    /// Number of partitions.
    pub(crate) partitions: u32,
    /// Largest record in bytes.
    pub(crate) max_message_bytes: usize,
}

/// Watches one topic for one process.
pub(crate) struct Guard {
    options: KafkaOptions,
    cluster: Arc<Cluster>,
    topic: Topic,
    pin: OnceLock<Pin>,
    seen: Arc<SeenEnds>,
    verdict: Mutex<Verdict>,
    state: watch::Sender<GuardState>,
}

impl Guard {
    /// Creates the topic if it is missing, and refuses one that is not in order.
    pub(crate) async fn open(options: &KafkaOptions) -> Result<Self, OpenGuardError> {
        let cluster = Arc::new(Cluster::connect(options)?);
        blocking(&cluster, Cluster::wait_until_let_in).await?;
        cluster.create().await?;
        // A new topic is known to the controller before every broker leads its partitions.
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        let (topic, settings, layout) = loop {
            match first_look(options, &cluster).await {
                Err(error) if error.may_pass() && Instant::now() < deadline => tokio::time::sleep(LOOK_AGAIN).await,
                settled => break settled?,
            }
        };
        let guard = Self {
            options: options.clone(),
            cluster,
            topic,
            pin: OnceLock::new(),
            seen: Arc::new(SeenEnds::new(topic.partitions)),
            verdict: Mutex::default(),
            state: watch::Sender::default(),
        };
        guard.conclude(Look {
            advice: Some(guard.advice(&settings, &layout).await),
            ..Look::default()
        });
        Ok(guard)
    }

    /// What was found at the start.
    pub(crate) fn topic(&self) -> Topic {
        self.topic
    }

    /// Told how far partitions reach, by whoever learns it.
    pub(crate) fn seen(&self) -> &Arc<SeenEnds> {
        &self.seen
    }

    /// From now on the first records must say this.
    pub(crate) fn pin(&self, pin: &Pin) {
        // A log is opened once; the first word counts.
        let _ = self.pin.set(pin.clone());
    }

    /// May something be written?
    pub(crate) fn check(&self) -> Result<(), LogError> {
        match &self.state.borrow().stopped {
            None => Ok(()),
            Some(stop) => Err(LogError::Guarded(stop.reason.clone())),
        }
    }

    /// What the last look came to, and every change of it.
    pub(crate) fn state(&self) -> watch::Receiver<GuardState> {
        self.state.subscribe()
    }

    /// Looks again and again, for ever.
    pub(crate) async fn watch(self: Arc<Self>) {
        let pause = Duration::from_millis(self.options.guard_interval_ms);
        loop {
            tokio::time::sleep(pause).await;
            let look = self.look().await;
            metrics::looked(look.settings.is_some() && look.is_complete);
            self.conclude(look);
        }
    }

    async fn look(&self) -> Look {
        let mut look = Look::default();
        let settings = self.cluster.topic_settings().await;
        match &settings {
            Ok(settings) => {
                let limit = Some(self.topic.max_message_bytes);
                look.settings = Some(settings::judge(&self.options, settings, limit));
            }
            Err(error) => {
                tracing::debug!(%error, "the topic's settings cannot be read at present");
                if matches!(error, GuardError::Unreachable { .. }) {
                    return look;
                }
            }
        }
        let layout = match blocking(&self.cluster, Cluster::layout).await {
            Ok(layout) => layout,
            Err(error) => {
                tracing::debug!(%error, "the topic's partitions cannot be read at present");
                return look;
            }
        };
        if let Some(settings) = &mut look.settings {
            settings.extend(too_few_copies(&self.options, &layout));
        }
        let judged = match layout_harm(&self.options, &layout, self.topic.partitions) {
            Some(harm) => Ok((vec![harm], true)),
            None => self.history().await,
        };
        match judged {
            Ok((history, is_complete)) => (look.history, look.is_complete) = (history, is_complete),
            Err(error) => tracing::debug!(%error, "the topic's records cannot be read at present"),
        }
        if let Ok(settings) = &settings {
            look.advice = Some(self.advice(settings, &layout).await);
        }
        look
    }

    /// Are all records still there that this process knows of?
    async fn history(&self) -> Result<(Vec<GuardError>, bool), GuardError> {
        let (options, seen, pin) = (self.options.clone(), Arc::clone(&self.seen), self.pin.get().cloned());
        let partitions = self.topic.partitions;
        blocking(&self.cluster, move |cluster| {
            let deadline = Instant::now() + ANSWER_TIMEOUT;
            let (mut found, mut is_complete, mut begun) = (Vec::new(), true, Vec::new());
            for partition in 0..partitions {
                // Asked before the question: what is written meanwhile is not in the answer.
                let reached = seen.get(partition);
                let left = deadline.saturating_duration_since(Instant::now());
                let Ok((first, end)) = cluster.bounds(partition, left) else {
                    // Its leader is away. The others may be there.
                    is_complete = false;
                    continue;
                };
                found.extend(bounds_harm(&options, partition, (first, end), reached));
                seen.raise(partition, end);
                if first == 0 && end > 0 {
                    begun.push(partition);
                }
            }
            if let Some(pin) = pin {
                let records = cluster.first_records(&begun, deadline)?;
                is_complete &= records.len() == begun.len();
                found.extend(records.values().filter_map(|record| pin_harm(&options, record, &pin)));
            }
            Ok((found, is_complete))
        })
        .await
    }

    async fn advice(&self, topic: &Settings, layout: &Layout) -> Vec<String> {
        // Describing brokers needs a right that describing the topic does not; then there is less advice.
        let brokers = self.cluster.broker_settings(&layout.brokers).await.unwrap_or_default();
        settings::advice(&self.options, topic, &brokers)
    }

    fn conclude(&self, look: Look) {
        let state = {
            let mut verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
            verdict.take(look);
            verdict.state()
        };
        let before = self.state.send_replace(state.clone());
        metrics::writes_stopped(state.stopped.is_some());
        for advice in state.advice.iter().filter(|advice| !before.advice.contains(advice)) {
            tracing::info!(advice, "advice on the topic");
        }
        match (&before.stopped, &state.stopped) {
            (was, Some(stop)) if was.as_ref() != Some(stop) => {
                let (reason, is_final) = (&stop.reason, stop.is_final);
                tracing::error!(reason, is_final, "writes are stopped");
            }
            (Some(_), None) => tracing::info!("what stopped writes was mended: they go on"),
            _ => {}
        }
    }
}

/// How many partitions an existing topic has; looks, and touches nothing.
pub(crate) async fn count_partitions(options: &KafkaOptions) -> Result<u32, OpenGuardError> {
    let cluster = Arc::new(Cluster::connect(options)?);
    blocking(&cluster, Cluster::wait_until_let_in).await?;
    match count(&blocking(&cluster, Cluster::layout).await?) {
        0 => Err(GuardError::Missing {
            topic: options.topic.clone(),
        }
        .into()),
        partitions => Ok(partitions),
    }
}

/// Why the guard cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenGuardError {
    #[error(transparent)]
    Guard(#[from] GuardError),
    #[error(transparent)]
    Client(#[from] rdkafka::error::KafkaError),
}

async fn first_look(options: &KafkaOptions, cluster: &Arc<Cluster>) -> Result<(Topic, Settings, Layout), GuardError> {
    let settings = cluster.topic_settings().await?;
    if let Some(wrong) = settings::judge(options, &settings, None).into_iter().next() {
        return Err(wrong);
    }
    let layout = blocking(cluster, Cluster::layout).await?;
    let partitions = count(&layout);
    if partitions == 0 {
        let topic = options.topic.clone();
        return Err(GuardError::Missing { topic });
    }
    if let Some(wrong) = too_few_copies(options, &layout).next() {
        return Err(wrong);
    }
    let asked = options.clone();
    let truncated = blocking(cluster, move |cluster| {
        for partition in 0..partitions {
            let bounds = cluster.bounds(partition, ANSWER_TIMEOUT)?;
            if let Some(harm) = bounds_harm(&asked, partition, bounds, 0) {
                return Ok(Some(harm));
            }
        }
        Ok(None)
    });
    if let Some(harm) = truncated.await? {
        return Err(harm);
    }
    let max_message_bytes = settings::max_message_bytes(&settings);
    let topic = Topic {
        partitions,
        max_message_bytes,
    };
    Ok((topic, settings, layout))
}

fn count(layout: &Layout) -> u32 {
    u32::try_from(layout.partitions.len()).unwrap_or(u32::MAX)
}

fn too_few_copies<'a>(options: &'a KafkaOptions, layout: &'a Layout) -> impl Iterator<Item = GuardError> + 'a {
    let needed = options.replication_factor;
    let few = layout
        .partitions
        .iter()
        .filter(move |partition| partition.copies < needed as usize);
    few.map(move |partition| GuardError::TooFewCopies {
        topic: options.topic.clone(),
        partition: partition.number,
        found: partition.copies,
        needed,
        mend: format!(
            "kafka-reassign-partitions.sh --bootstrap-server {} --execute --reassignment-json-file FILE, where FILE names {needed} \
             brokers for each partition of {}",
            options.brokers, options.topic
        ),
    })
}

fn layout_harm(options: &KafkaOptions, layout: &Layout, needed: u32) -> Option<GuardError> {
    let topic = options.topic.clone();
    match count(layout) {
        0 => Some(GuardError::Missing { topic }),
        found if found != needed => Some(GuardError::Regrown { topic, found, needed }),
        _ => None,
    }
}

fn bounds_harm(options: &KafkaOptions, partition: u32, (first, end): (i64, u64), seen: u64) -> Option<GuardError> {
    let topic = options.topic.clone();
    if first != 0 {
        return Some(GuardError::Truncated {
            topic,
            partition,
            offset: first,
        });
    }
    (end < seen).then_some(GuardError::LostSuffix {
        topic,
        partition,
        end,
        seen,
    })
}

fn pin_harm(options: &KafkaOptions, record: &LogRecord, pin: &Pin) -> Option<GuardError> {
    let found = match decode_header(record) {
        RecordKind::Pin(found) if found == *pin => return None,
        RecordKind::Pin(found) => format!("the pin of log {}", found.log_id),
        _ => "a record that is no pin".to_owned(),
    };
    Some(GuardError::Recreated {
        topic: options.topic.clone(),
        partition: record.partition,
        found,
        needed: pin.log_id,
    })
}
