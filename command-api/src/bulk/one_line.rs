//! One line on its own, for those who hold a command and no HTTP request: queued, decided and answered as on the bulk route.

use bytes::Bytes;
use platform::clock;

use super::answer::AnswerWriter;
use super::pending::{IdleStreams, Pending, queue};
use crate::api::CommandApi;
use crate::handling::Rejection;
use crate::order::Caller;
use crate::problem;

/// There is one line, so it is the first.
const LINE: u64 = 1;

impl CommandApi {
    /// Takes one line of the bulk route from a caller who is known, and gives the line with its answer, as that route would.
    ///
    /// The caller is believed: whoever calls this has checked a token. Roles, limits and rules are checked here. Dropping the answer does not
    /// stop the command.
    pub async fn take_line(&self, caller: &Caller, line: &[u8]) -> Bytes {
        let limit = self.options().bulk_line_bytes;
        let mut idle = IdleStreams::default();
        let mut pending = if line.len() > limit {
            Pending::refused(LINE, problem::line_too_long(limit))
        } else {
            queue(self, caller, LINE, line, &mut idle)
        };
        idle.start(self);
        let api = self.clone();
        // A task of its own, as a bulk request has: some commands take several steps, and nobody may end them between two.
        let answering = tokio::spawn(async move {
            let answered = pending.answer().await;
            let mut answers = AnswerWriter::default();
            answers.write(&api, &pending, answered);
            answers.take().unwrap_or_default()
        });
        answering.await.unwrap_or_else(|_| interrupted())
    }
}

/// The task died, perhaps within an append.
fn interrupted() -> Bytes {
    let problem = problem::from_rejection(Rejection::interrupted(), clock::now());
    let mut answers = AnswerWriter::default();
    answers.write_problem(LINE, &problem, None);
    answers.take().unwrap_or_default()
}
