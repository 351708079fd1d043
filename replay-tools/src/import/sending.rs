//! Sending commands: several lanes at once, each a row of long requests whose answers are read while it is still sent.
//!
//! All commands of one stream take the same lane, so their order holds. A lane keeps every command until it is answered;
//! when anything breaks, it sends again from the first unanswered one. That adds nothing, because a command that was
//! done already is only answered again.

mod answer;
mod exchange;
mod lane;
mod tally;
mod unanswered;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::ToolError;
use crate::connection::Connection;
use crate::import::mapping::MappedCommand;
use crate::import::rejects::RejectsFile;

use lane::Lane;
pub use tally::Refusal;
pub(crate) use tally::Tally;

/// Commands that wait in front of each lane.
const LANE_QUEUE: usize = 1_024;

/// How much is under way at once, and how long to be patient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SendingLimits {
    /// How many requests at once.
    pub(crate) lanes: usize,
    /// Commands in one request.
    pub(crate) batch: usize,
    /// How long nothing may be answered before the import gives up.
    pub(crate) give_up_after: Duration,
}

/// The lanes at work.
pub(crate) struct Sending {
    lanes: JoinSet<Result<(), ToolError>>,
}

/// The entrance to the lanes; the work ends when it is dropped and everything is answered.
pub(crate) struct Entrance {
    lanes: Vec<mpsc::Sender<MappedCommand>>,
}

impl Sending {
    pub(crate) fn start(
        connection: &Connection,
        limits: SendingLimits,
        tally: &Arc<Tally>,
        rejects: &Arc<RejectsFile>,
    ) -> (Self, Entrance) {
        let (mut lanes, mut entrance) = (JoinSet::new(), Entrance { lanes: Vec::new() });
        for _ in 0..limits.lanes {
            let (sender, receiver) = mpsc::channel(LANE_QUEUE);
            entrance.lanes.push(sender);
            lanes.spawn(Lane::new(connection.clone(), limits, receiver, tally.clone(), rejects.clone()).run());
        }
        (Self { lanes }, entrance)
    }

    /// Waits until every command is answered; the first failure of a lane ends the others.
    pub(crate) async fn finish(mut self) -> Result<(), ToolError> {
        while let Some(ended) = self.lanes.join_next().await {
            ended.map_err(|_| ToolError::Crashed { part: "sending task" })??;
        }
        Ok(())
    }
}

impl Entrance {
    /// Waits for room, blocking the thread. `false`: the lanes have ended, nothing more is taken.
    pub(crate) fn put(&self, command: MappedCommand) -> bool {
        let count = u128::try_from(self.lanes.len().max(1)).unwrap_or(1);
        let index = usize::try_from(command.target.as_u128() % count).unwrap_or(0);
        self.lanes
            .get(index)
            .is_some_and(|lane| lane.blocking_send(command).is_ok())
    }
}
