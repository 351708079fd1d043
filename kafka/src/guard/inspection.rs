//! One look at a topic by somebody who only wants to know: nothing is created, watched or stopped.

use std::sync::Arc;
use std::time::Instant;

use super::cluster::{ANSWER_TIMEOUT, Cluster, blocking};
use super::error::GuardError;
use super::{OpenGuardError, bounds_harm, count, settings, too_few_copies};
use crate::log::OpenError;
use crate::options::KafkaOptions;

/// What is found of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicInspection {
    /// How many partitions it has; 0 when there is no such topic yet.
    pub partitions: u32,
    /// What would keep the guard from opening it, or stop writes.
    pub errors: Vec<GuardError>,
    /// What is right today and could become wrong by a change elsewhere.
    pub advice: Vec<String>,
}

/// Looks at the topic of the options.
pub async fn inspect(options: &KafkaOptions) -> Result<TopicInspection, OpenError> {
    options.check()?;
    let options = options.clone().with_files_read()?;
    look(&options)
        .await
        .map_err(|error| OpenError::of_guard(&options, error))
}

async fn look(options: &KafkaOptions) -> Result<TopicInspection, OpenGuardError> {
    let cluster = Arc::new(Cluster::connect(options)?);
    blocking(&cluster, Cluster::wait_until_let_in).await?;
    let layout = blocking(&cluster, Cluster::layout).await?;
    let partitions = count(&layout);
    if partitions == 0 {
        return Ok(TopicInspection::default());
    }
    let topic = cluster.topic_settings().await?;
    let mut errors = settings::judge(options, &topic, None);
    errors.extend(too_few_copies(options, &layout));
    let asked = options.clone();
    let harmed = blocking(&cluster, move |cluster| {
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        let mut found = Vec::new();
        for partition in 0..partitions {
            let left = deadline.saturating_duration_since(Instant::now());
            let bounds = cluster.bounds(partition, left)?;
            found.extend(bounds_harm(&asked, partition, bounds, 0));
        }
        Ok::<_, GuardError>(found)
    });
    errors.extend(harmed.await?);
    // Describing brokers needs a right that describing the topic does not; then there is less advice.
    let brokers = cluster.broker_settings(&layout.brokers).await.unwrap_or_default();
    Ok(TopicInspection {
        partitions,
        errors,
        advice: settings::advice(options, &topic, &brokers),
    })
}
