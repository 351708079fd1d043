//! What goes wrong in a world, one thing after another and over each other, until nothing does any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event_store::codec::FenceTarget;
use event_store::journal::Journal as _;
use event_store::journal::memory::MemoryBackup;
use event_store::simulator::{Deposition, Weather};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{World, lock};
use crate::coverage::Case;
use crate::history::FenceAttempt;
use crate::order::Target;
use crate::random::Random;

/// Longest that a fence is waited for.
const FENCE_WITHIN: Duration = Duration::from_secs(3);

struct Faults<'a> {
    world: &'a Arc<World>,
    random: Random,
    /// Ends of faults that are still to come.
    ends: Vec<JoinHandle<()>>,
    backups: Vec<MemoryBackup>,
}

/// Lets things go wrong for the planned time, waits until each of them has ended, and makes the world calm.
pub(super) async fn run(world: &Arc<World>) {
    let mut faults = Faults {
        world,
        random: Random::of(world.plan.seed, "faults"),
        ends: Vec::new(),
        backups: vec![world.journal.back_up()],
    };
    if world.plan.journalers > 1 {
        world.met(Case::SecondJournaler);
    }
    while world.start.elapsed() < world.plan.faults_for {
        let longest = u64::try_from(world.plan.between_faults.as_millis()).unwrap_or(u64::MAX);
        tokio::time::sleep(faults.random.millis(1, longest)).await;
        faults.strike().await;
    }
    for end in faults.ends {
        end.await.expect("the end of a fault does not panic");
    }
    world.log.set_weather(Weather::CALM);
    world.calm.store(true, Ordering::Relaxed);
    world.trace.say(|| "from here on nothing goes wrong".to_owned());
}

impl Faults<'_> {
    async fn strike(&mut self) {
        match self.random.below(100) {
            0..18 => self.crash_a_node(),
            18..32 => self.hold_a_node(),
            32..44 => self.kill_a_journaler(),
            44..56 => self.hold_a_journaler(),
            56..62 => self.backups.push(self.world.journal.back_up()),
            62..70 => self.restore_the_journal().await,
            70..82 => self.depose_a_leader(),
            82..92 => self.place_a_fence(),
            _ => self.change_the_weather(),
        }
    }

    /// Does something after a while.
    fn later(&mut self, longest: u64, end: impl Future<Output = ()> + Send + 'static) {
        let after = self.random.millis(5, longest);
        self.ends.push(tokio::spawn(async move {
            tokio::time::sleep(after).await;
            end.await;
        }));
    }

    fn crash_a_node(&mut self) {
        let index = self.random.below(self.world.plan.nodes);
        if self.world.crash_node(index) {
            let world = Arc::clone(self.world);
            self.later(300, async move { world.start_node(index).await });
        }
    }

    fn hold_a_node(&mut self) {
        let index = self.random.below(self.world.plan.nodes);
        if let Some(node) = self.world.node(index) {
            self.world.met(Case::Paused);
            self.world.trace.say(|| format!("{} is held", node.name));
            node.gate.hold();
            let world = Arc::clone(self.world);
            self.later(900, async move {
                world.trace.say(|| format!("{} goes on", node.name));
                node.gate.release();
            });
        }
    }

    fn kill_a_journaler(&mut self) {
        let index = self.random.below(self.world.plan.journalers);
        if self.world.kill_journaler(index) {
            self.world.met(Case::JournalerStopped);
            let world = Arc::clone(self.world);
            self.later(1_000, async move { world.start_journaler(index) });
        }
    }

    fn hold_a_journaler(&mut self) {
        let index = self.random.below(self.world.plan.journalers);
        if let Some(gate) = self.world.journaler(index) {
            self.world.met(Case::JournalerHeld);
            self.world.trace.say(|| format!("journaler {index} is held"));
            gate.hold();
            let world = Arc::clone(self.world);
            self.later(900, async move {
                world.trace.say(|| format!("journaler {index} goes on"));
                gate.release();
            });
        }
    }

    async fn restore_the_journal(&mut self) {
        let journal = &self.world.journal;
        let before = journal.checkpoints().await.expect("memory does not fail");
        let backup = self.random.pick(&self.backups);
        journal.restore(backup);
        let after = journal.checkpoints().await.expect("memory does not fail");
        if before != after {
            self.world.met(Case::JournalRestored);
            let ends = |checkpoints: &[event_store::journal::Checkpoint]| -> Vec<u64> {
                checkpoints.iter().map(|checkpoint| checkpoint.next_offset).collect()
            };
            self.world
                .trace
                .say(|| format!("the journal is put back from {:?} to {:?}", ends(&before), ends(&after)));
        }
    }

    fn depose_a_leader(&mut self) {
        let index = self.random.below(self.world.plan.nodes);
        let partition = self.partition();
        let serves_reads = self.random.chance(500);
        if let Some(node) = self.world.node(index) {
            let end = self.world.log.length(partition);
            self.world.trace.say(|| {
                let reads = if serves_reads { " and reads from it" } else { "" };
                format!(
                    "{} asks a deposed leader of partition {partition}, which ends at {end}{reads}",
                    node.name
                )
            });
            node.gate.depose(Deposition {
                partition,
                end,
                serves_reads,
            });
            let world = Arc::clone(self.world);
            self.later(700, async move {
                world.trace.say(|| format!("{} finds the leaders", node.name));
                node.gate.find_leaders();
            });
        }
    }

    fn place_a_fence(&mut self) {
        let index = self.random.below(self.world.plan.nodes);
        let Some(node) = self.world.node(index) else { return };
        let target = self.random.pick(&Target::named(self.world.plan.streams)).clone();
        let (partition, target) = if self.random.chance(600) {
            let partition = target.stream.partition(self.world.plan.partitions);
            (partition, FenceTarget::Stream(target.stream))
        } else {
            (self.partition(), FenceTarget::Category(target.category.to_owned()))
        };
        let id = Uuid::from_u128(u128::from(self.random.between(1, u64::MAX)));
        let world = Arc::clone(self.world);
        self.ends.push(tokio::spawn(async move {
            let placed = tokio::time::timeout(FENCE_WITHIN, node.store.place_fence(id, partition, &target));
            let answer = tokio::select! {
                biased;
                () = node.crashed.cancelled() => None,
                placed = placed => placed.ok(),
            };
            world.trace.say(|| {
                format!(
                    "a fence for {target:?} in partition {partition} by {}: {answer:?}",
                    node.name
                )
            });
            lock(&world.history).fences.push(FenceAttempt {
                id,
                partition,
                target,
                answer,
            });
        }));
    }

    fn change_the_weather(&mut self) {
        let weather = *self
            .random
            .pick(&[Weather::CALM, Weather::STORM, self.world.plan.weather]);
        self.world.trace.say(|| format!("the weather changes: {weather:?}"));
        self.world.log.set_weather(weather);
    }

    fn partition(&mut self) -> u32 {
        u32::try_from(self.random.below(self.world.plan.partitions as usize)).unwrap_or(0)
    }
}
