//! A client: gives commands, alone and in bursts, and repeats each one through any node until it has a final answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use command_api::handling::{Answer, Certainty, Rejection};
use domain::{CommandId, StreamId};
use event_store::StreamState;
use futures::future::join_all;
use uuid::Uuid;

use super::{World, lock};
use crate::coverage::Case;
use crate::history::{Attempt, Command, Ended, Heard};
use crate::order::{self, Order, Target};
use crate::random::{FNV_START, Random, fnv};

/// How long a client waits for an answer when all is well.
const LONG_PATIENCE: Duration = Duration::from_secs(20);

struct Client {
    world: Arc<World>,
    number: usize,
    random: Random,
    targets: Vec<Target>,
    /// The last revision that it heard of, by stream.
    revisions: BTreeMap<StreamId, u64>,
    given: usize,
}

/// All that a client does.
pub(super) async fn run(world: Arc<World>, number: usize) {
    let mut client = Client {
        random: Random::of(world.plan.seed, &format!("client {number}")),
        targets: Target::named(world.plan.streams),
        revisions: BTreeMap::new(),
        given: 0,
        number,
        world,
    };
    while client.given < client.world.plan.commands {
        let rest = u64::try_from(client.world.plan.between_commands.as_millis()).unwrap_or(u64::MAX);
        tokio::time::sleep(client.random.millis(0, rest)).await;
        let burst = if client.random.chance(250) {
            2 + client.random.below(3)
        } else {
            1
        };
        let pursuits: Vec<Pursuit> = (0..burst).map(|_| client.next_command()).collect();
        for (stream, revision) in join_all(pursuits.into_iter().map(Pursuit::run))
            .await
            .into_iter()
            .flatten()
        {
            client.revisions.insert(stream, revision);
        }
    }
}

impl Client {
    fn next_command(&mut self) -> Pursuit {
        let unique = Uuid::from_u128(((self.number as u128) << 64) | self.given as u128);
        self.given += 1;
        let command_id = CommandId::from_uuid(unique);
        let (target, order) = self.order(unique, &command_id);
        let actor = order::sender(&mut self.random, &target, &order);
        let expected = self.expected(&target, &order);
        let command = Command {
            hash: hash(&order),
            bytes: format!("{order:?}").len(),
            target,
            order,
            actor,
            command_id,
            expected,
        };
        lock(&self.world.history).commands += 1;
        Pursuit {
            random: Random::of(self.world.plan.seed, &format!("command {}.{}", self.number, self.given)),
            world: Arc::clone(&self.world),
            client: self.number,
            command,
        }
    }

    fn order(&mut self, unique: Uuid, command_id: &CommandId) -> (Target, Order) {
        if self.random.chance(100) {
            let owner = order::user(self.random.below(2));
            let target = Target::created(&mut self.random, owner, command_id);
            let order = order::beginning(&mut self.random, &target);
            self.targets.push(target.clone());
            return (target, order);
        }
        // The first two are hot.
        let hot = self.random.chance(600);
        let index = self.random.below(if hot { 2 } else { self.targets.len() });
        let target = self.targets[index].clone();
        let known = self.revisions.contains_key(&target.stream);
        let order = if known || self.random.chance(250) {
            order::any(&mut self.random, &target, unique)
        } else {
            order::beginning(&mut self.random, &target)
        };
        (target, order)
    }

    fn expected(&mut self, target: &Target, order: &Order) -> StreamState {
        let known = self.revisions.get(&target.stream).copied();
        match (self.random.below(100), known) {
            (0..25, Some(revision)) => StreamState::StreamRevision(revision),
            (25..30, _) => StreamState::StreamRevision(self.random.between(0, 6)),
            (30..36, _) => StreamState::StreamExists,
            (36..60, None) if *order == order::beginning(&mut Random::of(0, ""), target) => StreamState::NoStream,
            (36..42, _) => StreamState::NoStream,
            _ => StreamState::Any,
        }
    }
}

fn hash(order: &Order) -> u128 {
    u128::from(fnv(FNV_START, format!("{order:?}").as_bytes()))
}

/// One command on the way to its final answer.
struct Pursuit {
    world: Arc<World>,
    client: usize,
    random: Random,
    command: Command,
}

impl Pursuit {
    /// The stream and its revision as the answer told, when it did.
    async fn run(mut self) -> Option<(StreamId, u64)> {
        let revision = self.until_final().await?;
        if self.random.chance(120) {
            // A client that lost its notes asks again.
            self.until_final().await;
        } else if self.random.chance(60) {
            let other = order::any(&mut self.random, &self.command.target, Uuid::from_u128(1));
            if other != self.command.order {
                self.command.hash = hash(&other);
                self.command.order = other;
                self.until_final().await;
            }
        }
        Some((self.command.target.stream, revision?))
    }

    /// None when the client gave up.
    async fn until_final(&mut self) -> Option<Option<u64>> {
        let waiting = format!("client {} with {:?}", self.client, self.command);
        lock(&self.world.history).unanswered.push(waiting.clone());
        let answer = loop {
            let node = self.random.below(self.world.plan.nodes);
            let heard = self.attempt(node).await;
            if let Some(Heard::Answer(answer)) = &heard
                && let Some(revision) = final_answer(answer)
            {
                break Some(revision);
            }
            if heard.is_some() && !self.world.is_calm() && self.random.chance(50) {
                self.world.met(Case::ClientWentAway);
                break None;
            }
            tokio::time::sleep(self.random.millis(1, 120)).await;
        };
        lock(&self.world.history).unanswered.retain(|other| *other != waiting);
        answer
    }

    /// Sends the command to a node. None when the node is down, so that nothing was sent.
    async fn attempt(&mut self, index: usize) -> Option<Heard> {
        let world = Arc::clone(&self.world);
        let node = world.node(index)?;
        let partition = self.command.target.stream.partition(world.plan.partitions);
        let at = order::wall_clock(world.start.elapsed());
        let mark = node.gate.deposition_mark(partition);
        let number = {
            let mut history = lock(&world.history);
            history.attempts.push(Attempt {
                command: self.command.clone(),
                at,
                began: world.log.length(partition),
                ended: None,
            });
            history.attempts.len() - 1
        };
        world.trace.say(|| {
            let Command {
                target,
                order,
                actor,
                expected,
                ..
            } = &self.command;
            let (client, role) = (self.client, actor.role);
            let node = &node.name;
            format!(
                "attempt {number}: client {client} as {role} to {node}, {}, expecting {expected:?}: {order:?}",
                target.stream
            )
        });
        let patience = if world.is_calm() {
            LONG_PATIENCE
        } else {
            self.random.millis(20, 2_500)
        };
        let answer = node.submit(number, &self.command, at);
        let heard = tokio::select! {
            biased;
            () = node.crashed.cancelled() => Heard::Nothing,
            answer = tokio::time::timeout(patience, async {
                let answer = answer.await;
                // The answer too must come out of a process that is held.
                node.gate.pass().await;
                answer
            }) => answer.map_or(Heard::Nothing, Heard::Answer),
        };
        world.trace.say(|| format!("attempt {number} hears {heard:?}"));
        let mut history = lock(&world.history);
        history.order_of_ends.push(number);
        history.attempts[number].ended = Some(Ended {
            length: world.log.length(partition),
            stale_end: node.gate.lowest_end_since(mark, partition),
            heard: heard.clone(),
        });
        Some(heard)
    }
}

/// The revision that a final answer tells, if it tells one. None for answers after which the client asks again.
#[allow(clippy::option_option)]
fn final_answer(answer: &Result<Answer, Rejection>) -> Option<Option<u64>> {
    match answer {
        Ok(answer) => Some(answer.revision),
        Err(Rejection::Conflict { current, .. }) => Some(*current),
        Err(Rejection::Unavailable {
            certainty: Certainty::NotApplied | Certainty::Unknown,
            ..
        }) => None,
        Err(_) => Some(None),
    }
}
