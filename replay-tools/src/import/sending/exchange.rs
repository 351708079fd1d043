//! One request and its answers, both under way at the same time.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Body, Method, Response};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::ToolError;
use crate::connection::read_problem;
use crate::import::sending::answer::{Answer, LineSplitter, LineTooLong, Meaning};
use crate::import::sending::lane::Lane;
use crate::import::sending::{Refusal, Tally};
use crate::import::wire::CommandName;

const PATH: &str = "/api/commands";
/// A server that owes an answer for so long is taken for lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Chunks of the request that may wait for the network.
const CHUNKS_IN_FRONT: usize = 4;

/// Why an exchange ended before its time.
pub(super) enum Interruption {
    /// Trying again would not help.
    Final(Box<ToolError>),
    /// The next attempt may succeed.
    Passing {
        reason: String,
        retry_after: Option<Duration>,
    },
}

impl Interruption {
    fn passing(reason: impl Into<String>) -> Self {
        Self::Passing {
            reason: reason.into(),
            retry_after: None,
        }
    }

    fn last(error: ToolError) -> Self {
        Self::Final(Box::new(error))
    }
}

impl From<LineTooLong> for Interruption {
    fn from(_: LineTooLong) -> Self {
        Self::passing("an answer without end")
    }
}

/// The state of one exchange.
pub(super) struct Exchange<'a> {
    lane: &'a mut Lane,
    started: Instant,
    body: Option<mpsc::Sender<Bytes>>,
    response: Option<Response>,
    splitter: LineSplitter,
    /// Commands put into the request.
    asked: usize,
    /// Answers read.
    answered: u64,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(lane: &'a mut Lane) -> Self {
        Self {
            lane,
            started: Instant::now(),
            body: None,
            response: None,
            splitter: LineSplitter::default(),
            asked: 0,
            answered: 0,
        }
    }

    /// Sends until the request is full or the source has ended, and reads all answers.
    pub(super) async fn run(mut self) -> Result<(), Interruption> {
        let (body, chunks) = mpsc::channel::<Bytes>(CHUNKS_IN_FRONT);
        self.body = Some(body);
        let request = self
            .lane
            .connection
            .request(Method::POST, PATH)
            .header(CONTENT_TYPE, "application/x-ndjson")
            .body(Body::wrap_stream(ReceiverStream::new(chunks).map(Ok::<_, Infallible>)));
        let mut head: Pin<Box<dyn Future<Output = reqwest::Result<Response>> + Send>> = Box::pin(request.send());
        let mut incoming = Vec::new();
        loop {
            self.end_body_when_done();
            let give_up =
                self.lane.unanswered.progress().max(self.started) + ANSWER_TIMEOUT.min(self.lane.limits.give_up_after);
            let room = !self.lane.source_ended
                && self.lane.unanswered.has_room()
                && self.asked + self.lane.unanswered.unsent() < self.lane.limits.batch;
            tokio::select! {
                received = &mut head, if self.response.is_none() => {
                    self.response = Some(self.accept(received).await?);
                }
                chunk = next_chunk(self.response.as_mut()), if self.response.is_some() => match chunk {
                    Ok(Some(bytes)) => self.read(&bytes)?,
                    Ok(None) => return self.end(),
                    Err(error) => return Err(lost(&error)),
                },
                permit = reserve(self.body.clone()), if self.may_send() => match permit {
                    Some(permit) => {
                        let (chunk, count) = self.lane.unanswered.take_chunk(self.lane.limits.batch - self.asked);
                        self.asked += count;
                        permit.send(chunk);
                    }
                    // The server takes no more; its answer, which is still to be read, says why.
                    None => self.body = None,
                },
                count = self.lane.source.recv_many(&mut incoming, 256), if room => {
                    self.lane.source_ended = count == 0;
                    incoming.drain(..).for_each(|command| self.lane.unanswered.push(command));
                }
                () = tokio::time::sleep_until(give_up), if self.lane.unanswered.is_under_way() => {
                    return Err(Interruption::passing("the server is there but does not answer"));
                }
            }
        }
    }

    fn may_send(&self) -> bool {
        self.body.is_some() && self.lane.unanswered.unsent() > 0 && self.asked < self.lane.limits.batch
    }

    fn end_body_when_done(&mut self) {
        let full = self.asked >= self.lane.limits.batch;
        if full || (self.lane.source_ended && self.lane.unanswered.unsent() == 0) {
            self.body = None;
        }
    }

    async fn accept(&self, received: reqwest::Result<Response>) -> Result<Response, Interruption> {
        let response = received.map_err(|error| lost(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let seconds = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let problem = tokio::time::timeout(ANSWER_TIMEOUT, read_problem(response))
            .await
            .unwrap_or_default();
        if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
            let reason = format!("{} {}: {}", status.as_u16(), problem.code, problem.detail);
            return Err(Interruption::Passing {
                reason,
                retry_after: seconds.map(Duration::from_secs),
            });
        }
        Err(Interruption::last(self.lane.connection.refused(PATH, status, problem)))
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), Interruption> {
        let mut splitter = std::mem::take(&mut self.splitter);
        let result = splitter.feed(bytes, |line| self.take(line));
        self.splitter = splitter;
        result
    }

    /// Takes one line of the answers.
    fn take(&mut self, line: &[u8]) -> Result<(), Interruption> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let protocol = |reason: String| {
            Interruption::last(ToolError::Protocol {
                url: self.lane.connection.address(PATH),
                reason,
            })
        };
        let answer: Answer<'_> = serde_json::from_slice(line)
            .map_err(|error| protocol(format!("an answer that cannot be read: {error}")))?;
        let Some(command) = self.lane.unanswered.first_under_way() else {
            return Err(protocol("more answers than commands".to_owned()));
        };
        let expected = self.answered + 1;
        if answer.line != expected {
            return Err(protocol(format!(
                "the answer of line {} where that of line {expected} was due",
                answer.line
            )));
        }
        let (tally, name) = (&self.lane.tally, command.name);
        match answer.meaning(name) {
            Meaning::Applied => Tally::add(&tally.applied, 1),
            Meaning::Repeated => Tally::add(&tally.repeated, 1),
            Meaning::Refused => {
                let (code, detail) = (answer.code.into_owned(), answer.detail.into_owned());
                let refusal = Refusal {
                    line: command.line,
                    command: name.as_str(),
                    code,
                    detail,
                };
                self.lane
                    .rejects
                    .write_refused(&refusal, &command.json)
                    .map_err(Interruption::last)?;
                tally.refuse(refusal);
            }
            Meaning::NotAllowed => {
                let (code, detail) = (answer.code.into_owned(), answer.detail.into_owned());
                let (url, status) = (self.lane.connection.address(PATH), answer.status);
                return Err(Interruption::last(ToolError::NotAllowed {
                    url,
                    status,
                    code,
                    detail,
                }));
            }
            // Answers behind this one are not looked at: their commands are sent again, in order.
            Meaning::Again => {
                return Err(Interruption::passing(format!(
                    "{} {}: {}",
                    answer.status, answer.code, answer.detail
                )));
            }
        }
        if name == CommandName::CompleteExecution {
            Tally::add(&tally.commits_done, 1);
        }
        self.answered = expected;
        self.lane.unanswered.answered();
        Ok(())
    }

    /// The answers have ended: right when none is owed and something was said.
    fn end(&self) -> Result<(), Interruption> {
        if self.lane.unanswered.is_under_way() || self.answered == 0 {
            return Err(Interruption::passing(
                "the answers ended before all commands were answered",
            ));
        }
        Ok(())
    }
}

fn lost(error: &reqwest::Error) -> Interruption {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    Interruption::passing(reason)
}

async fn next_chunk(response: Option<&mut Response>) -> reqwest::Result<Option<Bytes>> {
    match response {
        Some(response) => response.chunk().await,
        None => std::future::pending().await,
    }
}

async fn reserve(body: Option<mpsc::Sender<Bytes>>) -> Option<mpsc::OwnedPermit<Bytes>> {
    body?.reserve_owned().await.ok()
}
