//! One question, asked without a rest of everybody in turns, over some connections and over many.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;

use super::case::LoadCase;
use super::questions::{self, Question};
use super::rows::{self, Outcome};
use super::same_answers;
use super::served::Served;
use crate::closed_loop::{Client, Load, Turn, closed_loop};
use crate::cost::Meter;
use crate::measurement::Measurement;
use crate::servers::Servers;
use crate::system::{HttpConnection, Instance, bare_answer, postgraphile};

/// Requests in flight, each over a connection of its own. Which of them keeps a server busy is decided for each by itself.
pub(super) const IN_FLIGHT: [usize; 2] = [16, 64];
const ROUNDS: usize = 3;
/// Before the first round: what is compiled while it runs is compiled by then.
const WARM_UP: Duration = Duration::from_secs(2);

/// A server, what it is asked, and how it did.
struct Contestant<'a> {
    instance: &'a Instance,
    questions: Arc<[Question]>,
    meter: Meter,
    loads: Vec<(usize, Vec<Load>)>,
}

pub(super) async fn run(
    case: &LoadCase,
    served: &Served,
    servers: &Servers,
    window: Duration,
) -> Result<Vec<Measurement>> {
    let questions = questions::checked(case, served).await?;
    let first = questions.ours.first().context("nothing is asked")?;
    let bare = bare_answer::start(&served.log.installation, &first.answer.bytes).await?;
    // It gives the same answer to every question.
    let bare_questions = questions.ours.iter().map(|question| Question {
        request: question.request.clone(),
        answer: first.answer.clone(),
    });
    let mut alone = Contestant::new("bare handler", &bare, bare_questions.collect(), servers)?;
    let mut ours = Contestant::new("coding-agent", &served.program, questions.ours.clone(), servers)?;
    let mut peer = match (&served.postgraphile, questions.postgraphile) {
        (Some(instance), Some(questions)) => Some(Contestant::new(postgraphile::NAME, instance, questions, servers)?),
        _ => None,
    };
    let everybody = [Some(&mut alone), Some(&mut ours), peer.as_mut()];
    let mut everybody: Vec<&mut Contestant<'_>> = everybody.into_iter().flatten().collect();
    for contestant in &everybody {
        contestant.load(IN_FLIGHT[0], WARM_UP).await?;
    }
    for _ in 0..ROUNDS {
        for in_flight in IN_FLIGHT {
            for contestant in &mut everybody {
                contestant.round(in_flight, window).await?;
            }
        }
    }
    let (ours, peer) = (ours.outcome(), peer.map(Contestant::outcome));
    let rows = rows::rows(case, &ours, &alone.outcome(), peer.as_ref());
    bare.terminate().await?;
    Ok(rows)
}

impl<'a> Contestant<'a> {
    fn new(name: &'static str, instance: &'a Instance, questions: Arc<[Question]>, servers: &Servers) -> Result<Self> {
        let meter = Meter::of(servers, name, instance.pid()?);
        Ok(Self {
            instance,
            questions,
            meter,
            loads: IN_FLIGHT.map(|in_flight| (in_flight, Vec::new())).into(),
        })
    }

    async fn round(&mut self, in_flight: usize, window: Duration) -> Result<()> {
        let load = self.load(in_flight, window).await?;
        let with_as_many = self.loads.iter_mut().find(|(number, _)| *number == in_flight);
        with_as_many.context("nobody asked for so many")?.1.push(load);
        Ok(())
    }

    async fn load(&self, in_flight: usize, window: Duration) -> Result<Load> {
        let port = self.instance.port;
        let connections = try_join_all((0..in_flight).map(|_| HttpConnection::open(port))).await?;
        let clients = connections.into_iter().enumerate().map(|(number, connection)| Asker {
            connection,
            questions: Arc::clone(&self.questions),
            // They do not walk side by side.
            next: number * self.questions.len() / in_flight,
        });
        closed_loop(clients, window, &self.meter).await
    }

    fn outcome(self) -> Outcome {
        Outcome::of(self.loads)
    }
}

/// One connection and its place among the questions.
struct Asker {
    connection: HttpConnection,
    questions: Arc<[Question]>,
    next: usize,
}

impl Client for Asker {
    /// Whatever is not the answer that was checked is an error.
    async fn turn(&mut self) -> Result<Turn> {
        let question = self.questions.get(self.next).context("there is no such question")?;
        let answer = self.connection.exchange(&question.request).await?;
        ensure!(
            answer.status == 200 && question.answer.is_said_by(&answer.body),
            "it answers {} and something else than before, {}",
            answer.status,
            same_answers::first_difference(&answer.body, &question.answer.bytes)
        );
        self.next = (self.next + 1) % self.questions.len();
        Ok(Turn::Done)
    }
}
