//! Waiting until journal and read models have all that is in the log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;
use uuid::Uuid;

use crate::cluster::Cluster;

const LOOK: Duration = Duration::from_millis(100);
/// Of one question.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks every node for the end of the log, and the journal how far it is.
pub(crate) async fn wait(cluster: &Cluster, patience: Duration) -> Result<()> {
    let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
    let token = cluster.tokens().token(Uuid::new_v4(), "admin")?;
    let deadline = Instant::now() + patience;
    for url in cluster.urls() {
        loop {
            let asked = http.get(format!("{url}/api/status")).bearer_auth(&token).send();
            let status: Value = match asked.await {
                Ok(answer) => answer.json().await.unwrap_or_default(),
                Err(_) => Value::Null,
            };
            if is_level(cluster, &status).await.unwrap_or(false) {
                break;
            }
            if Instant::now() >= deadline {
                bail!(
                    "journal and read models are not level {} s after the clients had ended; status: {status}",
                    patience.as_secs()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}

async fn is_level(cluster: &Cluster, status: &Value) -> Result<bool> {
    let (Some(generations), Some(ends)) = (status["generations"].as_array(), status["logEnd"].as_object()) else {
        return Ok(false);
    };
    let sql = "select partition::text, next_offset from journal.checkpoints";
    let checkpoints: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(cluster.pool()).await?;
    let checkpoints: BTreeMap<String, i64> = checkpoints.into_iter().collect();
    let journal_is = ends
        .iter()
        .all(|(partition, end)| checkpoints.get(partition).copied() >= end.as_i64());
    let models_are = generations.iter().all(|generation| generation["lagOffsets"] == 0);
    Ok(journal_is && models_are && !generations.is_empty())
}
