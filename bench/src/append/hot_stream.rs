//! One stream that everybody writes to: only command handling, which puts what waits into one commit, can make that fast.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use command_api::handling::{
    Answer, Certainty, CommandHandler, Effect, HandlingOptions, Rejection, Submission, Surroundings,
};
use domain::conversation::{Conversation, ConversationCommand, TITLE_MAX};
use domain::{Role, UserId};
use event_store::StreamState;
use event_store::snapshot::PostgresSnapshots;
use platform::clock;
use tokio::time::sleep;
use uuid::Uuid;

use super::node::LogNode;
use super::{BENCH, ROUNDS, content};
use crate::closed_loop::{Client, Load, Turn, closed_loop};
use crate::cost::{self, Meter};
use crate::measurement::{Measurement, Target, as_float};
use crate::samples::median;
use crate::servers::Servers;

const CLIENTS: usize = 64;
const PER_SECOND: f64 = 20_000.0;
/// After command handling said that it has too much to do.
const BACK_OFF: Duration = Duration::from_millis(5);

/// Each round has a stream of its own.
pub(super) async fn run(servers: &Servers, window: Duration) -> Result<Vec<Measurement>> {
    let place = servers.new_place().await?;
    let node = LogNode::open(&place).await?;
    let journaler = node.start_journaler();
    let meter = Meter::of_this_process(servers);
    let surroundings = Surroundings {
        snapshots: Some(Arc::new(PostgresSnapshots::new(node.pool().clone()))),
        ..Surroundings::default()
    };
    let handler: CommandHandler<Conversation> =
        CommandHandler::within(node.store.clone(), surroundings, HandlingOptions::default());
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let conversation = HotConversation::start(handler.clone()).await?;
        let clients = (0..CLIENTS).map(|number| RenamingClient::new(&conversation, number));
        let load = closed_loop(clients, window, &meter).await?;
        node.wait_until_journaled().await?;
        conversation.check(node.pool(), load.done).await?;
        rounds.push(load);
    }
    journaler.stop().await?;
    drop(handler);
    node.close().await;
    place.remove().await?;

    let of = |figure: fn(&Load) -> f64| median(rounds.iter().map(figure).collect());
    let mut rows = vec![
        Measurement::new(BENCH, "hot stream", of(|load| load.per_second), "commands/s")
            .wanted(Target::AtLeast(PER_SECOND)),
        Measurement::new(BENCH, "hot stream p50", of(|load| load.times.p50()), "ms"),
        Measurement::new(BENCH, "hot stream p99", of(|load| load.times.p99()), "ms"),
        Measurement::new(
            BENCH,
            "hot stream refused",
            of(|load| as_float(load.refused)),
            "commands",
        ),
    ];
    rows.extend(cost::rows(
        BENCH,
        "hot stream",
        &rounds.iter().map(|load| &load.used).collect::<Vec<_>>(),
    ));
    Ok(rows)
}

/// The conversation and its owner, who gives all commands.
#[derive(Clone)]
struct HotConversation {
    handler: CommandHandler<Conversation>,
    id: Uuid,
    owner: UserId,
}

impl HotConversation {
    async fn start(handler: CommandHandler<Conversation>) -> Result<Self> {
        let conversation = Self {
            handler,
            id: Uuid::new_v4(),
            owner: UserId::new(Uuid::new_v4()),
        };
        let started = conversation
            .command(ConversationCommand::Start {
                owner_id: conversation.owner,
                title: "Everybody renames it".to_owned(),
            })
            .await?;
        ensure!(started.effect == Effect::Done, "the conversation was not started");
        Ok(conversation)
    }

    async fn command(&self, command: ConversationCommand) -> Result<Answer, Rejection> {
        let submission = Submission {
            id: self.id,
            command,
            stamp: content::stamp(self.owner, Role::User),
            at: clock::now(),
            expected: StreamState::Any,
            bytes: content::EVENT_BYTES,
        };
        self.handler.handle(submission).await
    }

    /// One event for each command that was answered with done, and the one that started it.
    async fn check(&self, pool: &sqlx::PgPool, done: u64) -> Result<()> {
        let stream = CommandHandler::<Conversation>::stream(self.id);
        let events: i64 = sqlx::query_scalar("select count(*) from journal.events where stream = $1")
            .bind(stream.as_str())
            .fetch_one(pool)
            .await?;
        ensure!(
            u64::try_from(events)? == done + 1,
            "{done} commands were done, but the stream has {events} events"
        );
        Ok(())
    }
}

/// Gives it one title after another.
struct RenamingClient {
    conversation: HotConversation,
    number: usize,
    turn: u64,
}

impl RenamingClient {
    fn new(conversation: &HotConversation, number: usize) -> Self {
        Self {
            conversation: conversation.clone(),
            number,
            turn: 0,
        }
    }
}

impl Client for RenamingClient {
    async fn turn(&mut self) -> Result<Turn> {
        self.turn += 1;
        let width = usize::try_from(TITLE_MAX).context("a title is longer than memory")?;
        let title = format!("{:x<width$}", format!("client {} turn {} ", self.number, self.turn));
        match self.conversation.command(ConversationCommand::Rename { title }).await {
            Ok(answer) if answer.effect == Effect::Done => Ok(Turn::Done),
            Ok(answer) => bail!("a new title had no effect: {answer:?}"),
            Err(Rejection::Unavailable {
                certainty: Certainty::NotApplied,
                ..
            }) => {
                sleep(BACK_OFF).await;
                Ok(Turn::Refused)
            }
            Err(rejection) => Err(rejection.into()),
        }
    }
}
