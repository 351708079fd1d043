//! Verifications take minutes, so they run beside the request that begins them. One at a time: each folds the whole log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use platform::clock;
use platform::shutdown::Shutdown;
use replay_tools::OutputFormat;
use replay_tools::generations::{GenerationsError, GenerationsSources, VerifyOptions, verify};
use replay_tools::progress::Meter;
use serde::Serialize;
use serde_json::Value;

/// Differences that are kept; all are counted.
const DIFFERENCES: usize = 20;
/// Answers that are kept.
const KEPT: usize = 16;

/// The verifications of this process, the last one of each generation.
pub(crate) struct Verifications {
    sources: GenerationsSources,
    shutdown: Shutdown,
    known: Arc<Mutex<BTreeMap<String, Arc<Verification>>>>,
}

struct Verification {
    started_at: DateTime<Utc>,
    meter: Meter,
    ended: Mutex<Option<Ended>>,
}

#[derive(Clone)]
struct Ended {
    at: DateTime<Utc>,
    answer: Result<Value, (String, String)>,
}

/// How a verification is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerificationStatus {
    generation: String,
    /// `running`, `equal`, `different` or `failed`.
    state: &'static str,
    started_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
    /// What is done at present.
    step: &'static str,
    done: u64,
    total: u64,
    /// As `coding-agent projections verify --output json` prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// One is under way.
pub(crate) struct Busy {
    pub(crate) generation: String,
}

impl Verifications {
    pub(crate) fn new(sources: GenerationsSources, shutdown: Shutdown) -> Self {
        Self {
            sources,
            shutdown,
            known: Arc::default(),
        }
    }

    /// Begins one, unless one is under way; of the same generation it is that one.
    pub(crate) fn begin(&self, generation: &str) -> Result<VerificationStatus, Busy> {
        let mut known = lock(&self.known);
        let running = known.iter().find(|(_, verification)| verification.is_running());
        if let Some((running, verification)) = running {
            return if running == generation {
                Ok(verification.status(generation))
            } else {
                Err(Busy {
                    generation: running.clone(),
                })
            };
        }
        while known.len() >= KEPT {
            known.pop_first();
        }
        let verification = Arc::new(Verification {
            started_at: clock::now(),
            meter: Meter::default(),
            ended: Mutex::new(None),
        });
        known.insert(generation.to_owned(), verification.clone());
        let (sources, shutdown) = (self.sources.clone(), self.shutdown.clone());
        let options = VerifyOptions {
            generation: generation.to_owned(),
            limit: DIFFERENCES,
            output: OutputFormat::Json,
        };
        let status = verification.status(generation);
        tokio::spawn(async move {
            let answer = match verify(&options, &sources, &verification.meter, &shutdown).await {
                Ok(report) => serde_json::to_value(&report).map_err(|error| ("internal".to_owned(), error.to_string())),
                Err(error) => Err(told(&error)),
            };
            let at = clock::now();
            *lock(&verification.ended) = Some(Ended { at, answer });
        });
        Ok(status)
    }

    /// How the last one of this generation is.
    pub(crate) fn of(&self, generation: &str) -> Option<VerificationStatus> {
        let known = lock(&self.known);
        known
            .get(generation)
            .map(|verification| verification.status(generation))
    }
}

/// Code and text; texts of the database are not for clients.
fn told(error: &GenerationsError) -> (String, String) {
    match error {
        GenerationsError::Refused(refused) => (refused.code().to_owned(), refused.to_string()),
        GenerationsError::Away(error) => {
            tracing::warn!(error = error as &dyn std::error::Error, "a verification failed");
            (
                error.code().to_owned(),
                "the log or the database cannot be used".to_owned(),
            )
        }
        other => ("generation.not-verified".to_owned(), other.to_string()),
    }
}

impl Verification {
    fn is_running(&self) -> bool {
        lock(&self.ended).is_none()
    }

    fn status(&self, generation: &str) -> VerificationStatus {
        let (step, done, total) = self.meter.look();
        let ended = lock(&self.ended).clone();
        let mut status = VerificationStatus {
            generation: generation.to_owned(),
            state: "running",
            started_at: self.started_at,
            ended_at: ended.as_ref().map(|ended| ended.at),
            step,
            done,
            total,
            report: None,
            error: None,
        };
        match ended.map(|ended| ended.answer) {
            None => {}
            Some(Ok(report)) => {
                let equal = report.get("equal").and_then(Value::as_bool).unwrap_or(false);
                status.state = if equal { "equal" } else { "different" };
                status.report = Some(report);
            }
            Some(Err((code, text))) => {
                status.state = "failed";
                status.error = Some(format!("{code}: {text}"));
            }
        }
        status
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
