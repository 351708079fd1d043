//! One lane: exchange after exchange until its commands are all answered, with pauses after failures.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::ToolError;
use crate::connection::Connection;
use crate::import::mapping::MappedCommand;
use crate::import::rejects::RejectsFile;
use crate::import::sending::exchange::{Exchange, Interruption};
use crate::import::sending::unanswered::Unanswered;
use crate::import::sending::{SendingLimits, Tally};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What one lane holds.
pub(super) struct Lane {
    pub(super) connection: Connection,
    pub(super) limits: SendingLimits,
    pub(super) source: mpsc::Receiver<MappedCommand>,
    pub(super) source_ended: bool,
    pub(super) unanswered: Unanswered,
    pub(super) tally: Arc<Tally>,
    pub(super) rejects: Arc<RejectsFile>,
}

impl Lane {
    pub(super) fn new(
        connection: Connection,
        limits: SendingLimits,
        source: mpsc::Receiver<MappedCommand>,
        tally: Arc<Tally>,
        rejects: Arc<RejectsFile>,
    ) -> Self {
        Self {
            connection,
            limits,
            source,
            source_ended: false,
            unanswered: Unanswered::new(),
            tally,
            rejects,
        }
    }

    pub(super) async fn run(mut self) -> Result<(), ToolError> {
        let mut pause = FIRST_PAUSE;
        loop {
            if self.unanswered.is_empty() {
                // No request is opened before there is something to say.
                match self.source.recv().await {
                    Some(command) => self.unanswered.push(command),
                    None => return Ok(()),
                }
            }
            let progress = self.unanswered.progress();
            let Err(interruption) = Exchange::new(&mut self).run().await else {
                pause = FIRST_PAUSE;
                continue;
            };
            self.unanswered.send_again();
            let (reason, asked) = match interruption {
                Interruption::Final(error) => return Err(*error),
                Interruption::Passing { reason, retry_after } => (reason, retry_after),
            };
            Tally::add(&self.tally.retries, 1);
            if self.unanswered.progress() > progress {
                pause = FIRST_PAUSE;
            }
            let waited = self.unanswered.progress().elapsed();
            let left = self.limits.give_up_after.saturating_sub(waited);
            if left.is_zero() && !self.unanswered.is_empty() {
                return Err(ToolError::GaveUp {
                    seconds: waited.as_secs(),
                    reason,
                });
            }
            tokio::time::sleep(
                asked
                    .unwrap_or(pause)
                    .clamp(FIRST_PAUSE, LONGEST_PAUSE)
                    .min(left.max(FIRST_PAUSE)),
            )
            .await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
