//! Kafka's own `ProducerPerformance`: what a client reaches that only produces.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;
use tokio::time::timeout;
use uuid::Uuid;

use crate::servers::{PARTITIONS, create_topic, remove_topic};

const ENDS_WITHIN: Duration = Duration::from_mins(2);
/// For the first guess of how many records fill the time.
const RECORDS_OF_FIRST_RUN: u64 = 100_000;
const MOST_RECORDS: f64 = 5e6;

/// The tool, and how fast it was when it ran last.
pub(super) struct ProducerPerformance {
    jars: PathBuf,
    brokers: String,
    record_bytes: usize,
    per_second: Option<f64>,
}

impl ProducerPerformance {
    pub(super) fn new(brokers: &str, record_bytes: usize) -> Result<Self> {
        let jars = std::env::var_os("CODING_AGENT_TEST_KAFKA_JARS").context("run ./dev bench, which names the jars")?;
        Ok(Self {
            jars: jars.into(),
            brokers: brokers.to_owned(),
            record_bytes,
            per_second: None,
        })
    }

    /// Records a second, over about so long. A virtual machine that has just started compiles first: as many records as it
    /// writes in a second do not count.
    pub(super) async fn run(&mut self, window: Duration) -> Result<f64> {
        let guess = match self.per_second {
            Some(per_second) => per_second,
            None => self.produce(RECORDS_OF_FIRST_RUN, RECORDS_OF_FIRST_RUN / 2).await?,
        };
        let (counted, uncounted) = (records(guess * window.as_secs_f64()), records(guess));
        let per_second = self.produce(counted + uncounted, uncounted).await?;
        self.per_second = Some(per_second);
        Ok(per_second)
    }

    async fn produce(&self, records: u64, warm_up: u64) -> Result<f64> {
        let topic = format!("bench-raw-{}", Uuid::new_v4().simple());
        create_topic(&self.brokers, &topic, PARTITIONS).await?;
        let mut command = Command::new("java");
        command
            // As its script has it.
            .args(["-Xmx512M", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"])
            .arg(self.jars.join("*"))
            .arg("org.apache.kafka.tools.ProducerPerformance")
            .args([
                "--bootstrap-server",
                &self.brokers,
                "--topic",
                &topic,
                "--throughput",
                "-1",
            ])
            .args(["--record-size", &self.record_bytes.to_string()])
            .args([
                "--num-records",
                &records.to_string(),
                "--warmup-records",
                &warm_up.to_string(),
            ])
            .args(["--command-property", "acks=all"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = command.spawn().context("java cannot be started")?;
        let output = timeout(ENDS_WITHIN, child.wait_with_output())
            .await
            .context("ProducerPerformance does not end")??;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "ProducerPerformance failed: {errors}");
        remove_topic(&self.brokers, &topic).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        steady_rate(&text).with_context(|| format!("ProducerPerformance says nothing of its rate: {text}"))
    }
}

/// From `400000 steady state records sent, 34182.191078 records/sec (29.34 MB/sec), ...`.
fn steady_rate(text: &str) -> Option<f64> {
    let line = text.lines().rfind(|line| line.contains("steady state records sent"))?;
    let (before, _) = line.split_once(" records/sec")?;
    before.rsplit_once(' ')?.1.parse().ok()
}

fn records(count: f64) -> u64 {
    // A count between the bounds fits.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let records = count.clamp(10_000.0, MOST_RECORDS) as u64;
    records
}

#[cfg(test)]
mod tests {
    use super::steady_rate;

    #[test]
    fn the_rate_is_that_of_the_steady_state() {
        let text = "In steady state.\n\
            500000 records sent, 28267.752148 records/sec (24.26 MB/sec), 1008.56 ms avg latency, 2319.00 ms max latency.\n\
            400000 steady state records sent, 34182.191078 records/sec (29.34 MB/sec), 835.24 ms avg latency.\n";
        assert_eq!(steady_rate(text), Some(34_182.191_078));
        assert_eq!(steady_rate("nothing"), None);
    }
}
