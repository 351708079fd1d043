//! A line that waits for its answer.

use domain::CommandId;
use futures::future::BoxFuture;
use platform::clock;
use platform::problem::Problem;

use super::line::{ReadLine, read_line};
use crate::api::CommandApi;
use crate::handling::{Answer, IdleStream, Rejection, Ticket};
use crate::order::{Caller, Prepared, TypedSubmission};
use crate::problem;
use crate::reply::Subject;

pub(super) struct Pending {
    pub(super) line: u64,
    /// None for a line that got no further than reading.
    pub(super) about: Option<About>,
    state: State,
}

/// What an answer repeats of its command.
pub(super) struct About {
    pub(super) subject: Subject,
    pub(super) made_command_id: Option<CommandId>,
}

enum State {
    Refused(Problem),
    Queued(Ticket),
    /// Takes several steps, so it is worked on when all lines before it are answered, and before any line after it.
    Alone(BoxFuture<'static, Result<Answer, Rejection>>),
}

/// Streams that got their first command and are not yet worked on.
#[derive(Default)]
pub(super) struct IdleStreams {
    conversations: Vec<IdleStream>,
    tasks: Vec<IdleStream>,
}

impl IdleStreams {
    pub(super) fn start(&mut self, api: &CommandApi) {
        self.conversations
            .drain(..)
            .for_each(|stream| api.conversations().start(stream));
        self.tasks.drain(..).for_each(|stream| api.tasks().start(stream));
    }
}

/// Reads a line and queues its command.
pub(super) fn queue(api: &CommandApi, caller: &Caller, line: u64, text: &[u8], idle: &mut IdleStreams) -> Pending {
    let prepared = api
        .check_rate(caller.actor)
        .map_err(Problem::from)
        .and_then(|()| read_line(text))
        .and_then(|ReadLine { order, made_command_id }| Ok((order.prepare(caller)?, made_command_id)));
    let (prepared, made_command_id) = match prepared {
        Ok(prepared) => prepared,
        Err(problem) => return Pending::refused(line, problem),
    };
    let subject = Subject {
        name: prepared.name,
        id: prepared.id,
        part: prepared.part,
    };
    let about = Some(About {
        subject,
        made_command_id,
    });
    let state = if prepared.needs_quota() {
        let api = api.clone();
        State::Alone(Box::pin(async move { api.execute(prepared).await }))
    } else {
        match enqueue(api, prepared, idle) {
            Ok(ticket) => State::Queued(ticket),
            Err(rejection) => State::Refused(problem::from_rejection(rejection, clock::now())),
        }
    };
    Pending { line, about, state }
}

fn enqueue(api: &CommandApi, prepared: Prepared, idle: &mut IdleStreams) -> Result<Ticket, Rejection> {
    let (ticket, stream, idle) = match prepared.submission {
        TypedSubmission::Conversation(submission) => {
            let (ticket, stream) = api.conversations().enqueue(submission)?;
            (ticket, stream, &mut idle.conversations)
        }
        TypedSubmission::Task(submission) => {
            let (ticket, stream) = api.tasks().enqueue(submission)?;
            (ticket, stream, &mut idle.tasks)
        }
    };
    idle.extend(stream);
    Ok(ticket)
}

impl Pending {
    pub(super) fn refused(line: u64, problem: Problem) -> Self {
        Self {
            line,
            about: None,
            state: State::Refused(problem),
        }
    }

    pub(super) fn is_alone(&self) -> bool {
        matches!(self.state, State::Alone(_))
    }

    /// Waits for the answer. Dropping the wait loses nothing; after the answer it must not be called again.
    pub(super) async fn answer(&mut self) -> Result<Answer, Problem> {
        let answered = match &mut self.state {
            State::Refused(problem) => return Err(problem.clone()),
            State::Queued(ticket) => ticket.answer().await,
            State::Alone(execution) => execution.await,
        };
        answered.map_err(|rejection| problem::from_rejection(rejection, clock::now()))
    }
}
