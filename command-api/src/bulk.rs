//! A bulk request: lines come in, their commands are queued as they come, answers go out in the order of the lines.
//!
//! One task for each request and none for a command. Every piece of the body that arrives is queued line by line
//! first and started then, so that neighbouring commands of one stream go out in one commit.

mod answer;
mod line;
mod lines;
mod one_line;
mod pending;

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::BodyDataStream;
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use platform::problem::Problem;
use platform::shutdown::Shutdown;
use tokio::sync::mpsc;
use tokio::time::timeout;

pub(crate) use answer::BulkAnswer;
pub(crate) use line::BulkCommand;

use crate::api::CommandApi;
use crate::handling::Answer;
use crate::order::Caller;
use crate::problem;
use answer::AnswerWriter;
use lines::{Line, LineSplitter};
use pending::{IdleStreams, Pending, queue};

/// A client that neither sends nor reads for so long has gone.
const PATIENCE: Duration = Duration::from_mins(1);

/// One bulk request.
pub(crate) struct BulkSession {
    api: CommandApi,
    caller: Caller,
    body: BodyDataStream,
    /// The body has ended, or no more of it is wanted.
    body_ended: bool,
    lines: LineSplitter,
    line_number: u64,
    pending: VecDeque<Pending>,
    /// So many are pending that nothing is queued until a good part of them is answered: small refills make small
    /// commits.
    full: bool,
    idle: IdleStreams,
    answers: AnswerWriter,
    sender: mpsc::Sender<Bytes>,
}

/// Nobody reads the answers any more.
struct ClientGone;

/// What a session waited for.
enum Happened {
    Answered(Result<Answer, Problem>),
    Read(Option<Bytes>),
}

impl BulkSession {
    pub(crate) fn new(api: CommandApi, caller: Caller, body: BodyDataStream, sender: mpsc::Sender<Bytes>) -> Self {
        let lines = LineSplitter::new(api.options().bulk_line_bytes);
        Self {
            api,
            caller,
            body,
            body_ended: false,
            lines,
            line_number: 0,
            pending: VecDeque::new(),
            full: false,
            idle: IdleStreams::default(),
            answers: AnswerWriter::default(),
            sender,
        }
    }

    /// Until the last line is answered, or the client is gone; what is queued then is still worked on.
    pub(crate) async fn run(mut self) {
        loop {
            let lines_left = self.queue_lines();
            self.idle.start(&self.api);
            self.collect_answered();
            if self.send_answers().await.is_err() {
                return;
            }
            if lines_left && self.has_room() {
                continue;
            }
            let may_read = !lines_left && !self.body_ended;
            if self.pending.is_empty() && !may_read {
                return;
            }
            self.wait(may_read).await;
        }
    }

    /// Queues lines that have arrived; true when some had to stay.
    fn queue_lines(&mut self) -> bool {
        loop {
            if !self.has_room() {
                return true;
            }
            let Some(line) = self.lines.next_line() else {
                return false;
            };
            self.line_number += 1;
            if self.line_number > self.api.options().bulk_lines {
                self.body_ended = true;
                self.lines.clear();
                let problem = problem::too_many_lines(self.api.options().bulk_lines);
                self.pending.push_back(Pending::refused(self.line_number, problem));
                return false;
            }
            let pending = match line {
                Line::Blank => continue,
                Line::TooLong => Pending::refused(self.line_number, problem::line_too_long(self.lines.limit())),
                Line::Text(text) => queue(&self.api, &self.caller, self.line_number, &text, &mut self.idle),
            };
            self.pending.push_back(pending);
        }
    }

    fn has_room(&mut self) -> bool {
        let limit = self.api.options().bulk_in_flight.max(1);
        self.full = if self.full {
            self.pending.len() > limit / 4 * 3
        } else {
            self.pending.len() >= limit
        };
        // A command that is worked on alone lets nothing pass: later lines may depend on it.
        !self.full && !self.pending.back().is_some_and(Pending::is_alone)
    }

    /// Takes the answers that are there, as far as their order allows.
    fn collect_answered(&mut self) {
        while let Some(answered) = self.pending.front_mut().and_then(|front| front.answer().now_or_never()) {
            self.write_front(answered);
        }
    }

    fn write_front(&mut self, answered: Result<Answer, Problem>) {
        if let Some(front) = self.pending.pop_front() {
            self.answers.write(&self.api, &front, answered);
        }
    }

    async fn send_answers(&mut self) -> Result<(), ClientGone> {
        let Some(piece) = self.answers.take() else {
            return Ok(());
        };
        match timeout(PATIENCE, self.sender.send(piece)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ClientGone),
        }
    }

    /// Waits for the next answer or for more of the body, whichever comes first.
    async fn wait(&mut self, may_read: bool) {
        // Patience is with clients; while commands are worked on, the client may well be waiting for us.
        let patience = if self.pending.is_empty() {
            PATIENCE
        } else {
            Duration::MAX
        };
        let happened = tokio::select! {
            biased;
            answered = front_answer(&mut self.pending) => Happened::Answered(answered),
            piece = next_piece(&mut self.body, self.api.shutdown(), patience), if may_read => Happened::Read(piece),
        };
        match happened {
            Happened::Answered(answered) => self.write_front(answered),
            Happened::Read(Some(piece)) => self.lines.push(&piece),
            Happened::Read(None) => {
                self.body_ended = true;
                self.lines.finish();
            }
        }
    }
}

async fn front_answer(pending: &mut VecDeque<Pending>) -> Result<Answer, Problem> {
    match pending.front_mut() {
        Some(front) => front.answer().await,
        None => std::future::pending().await,
    }
}

/// More of the body; none when it ended, broke, fell silent, or the process is asked to stop.
async fn next_piece(body: &mut BodyDataStream, shutdown: &Shutdown, patience: Duration) -> Option<Bytes> {
    let piece = tokio::select! {
        () = shutdown.requested() => return None,
        piece = timeout(patience, body.next()) => piece,
    };
    piece.ok().flatten().and_then(Result::ok)
}
