//! The worker of one stream: loads, decides, commits, answers, until nothing waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{Aggregate, StreamId};
use event_store::{Basis, Commit, CommitOutcome, CommitReceipt, Randomness, StoreError};
use uuid::Uuid;

use super::Shared;
use super::cache::{Entry, SharedEntry, lock};
use super::decision::{Decided, Verdict, decide_all};
use super::forwarding;
use super::loading::not_loaded;
use super::negative::{KnownRejection, Negative};
use super::outcome::{Certainty, Rejection};
use super::queue::Waiting;
use crate::metrics;

/// How often a batch is decided again after another writer came between.
const ROUNDS: usize = 8;

/// Rounds that are lost before anything is done about it.
const FREE_ROUNDS: usize = 2;

/// Two nodes that write to one stream without a rest can keep overtaking each other: from the third round on, each waits a
/// random moment, longer every time.
async fn pause_before(round: usize, randomness: &Randomness) {
    const STEP_MICROS: u64 = 2_000;
    if round >= FREE_ROUNDS {
        let longest = Duration::from_micros(STEP_MICROS << (round - FREE_ROUNDS));
        tokio::time::sleep(randomness.moment_below(longest)).await;
    }
}

pub(super) struct Worker<A: Aggregate> {
    shared: Arc<Shared<A>>,
    id: Uuid,
    stream: StreamId,
    /// Nothing waited any more, so the queue is given up and may have another worker by now.
    finished: bool,
}

/// What to do after one round on a batch.
enum Round<A: Aggregate> {
    Answered,
    /// Another writer came between; all is to be decided again.
    Again(Vec<Waiting<A>>),
}

impl<A: Aggregate> Worker<A> {
    pub(super) fn new(shared: Arc<Shared<A>>, id: Uuid) -> Self {
        Self {
            shared,
            id,
            stream: StreamId::of(A::CATEGORY, id),
            finished: false,
        }
    }

    pub(super) async fn run(mut self) {
        // Never closed, so this only waits.
        let Ok(_permit) = Arc::clone(&self.shared.permits).acquire_owned().await else {
            return;
        };
        while let Some(batch) = self.shared.queues.take(self.id, &self.shared.options) {
            self.work(batch).await;
        }
        self.finished = true;
    }

    async fn work(&self, mut batch: Vec<Waiting<A>>) {
        for round in 0..ROUNDS {
            if round == FREE_ROUNDS {
                batch = forwarding::hand_over(&self.shared, &self.stream, batch).await;
                if batch.is_empty() {
                    return;
                }
            }
            pause_before(round, &self.shared.surroundings.randomness).await;
            let entry = match self.load(&batch).await {
                Ok(entry) => entry,
                Err(rejection) => return self.reject_all(batch, &rejection),
            };
            match self.round(&entry, batch).await {
                Round::Answered => return,
                Round::Again(undecided) => {
                    metrics::decided_again(A::CATEGORY);
                    batch = undecided;
                }
            }
        }
        let rejection = Rejection::Unavailable {
            certainty: Certainty::NotApplied,
            code: "command.contended",
            reason: format!("{ROUNDS} decisions in a row on stream {} lost a race", self.stream),
        };
        self.reject_all(batch, &rejection);
    }

    /// The newest state that the store gives at no great cost: all of it, or what is missing in the cached one.
    async fn load(&self, batch: &[Waiting<A>]) -> Result<SharedEntry<A>, Rejection> {
        let store = &self.shared.store;
        if let Some(entry) = self.shared.cache.get(self.id) {
            let known = lock(&entry).basis;
            let loaded = store
                .load(&self.stream, Some(&known))
                .await
                .map_err(|error| not_loaded(&error))?;
            let is_new = !loaded.events.is_empty() || !loaded.rejections.is_empty();
            let folded = lock(&entry).fold(&loaded);
            if let Err(rejection) = folded {
                self.shared.cache.forget(self.id);
                return Err(rejection);
            }
            if is_new {
                self.shared.cache.keep(self.id, &entry);
            }
            return Ok(entry);
        }
        let entry = if starts_a_stream(batch) {
            // Such a stream most likely does not exist. The store may take our word for it without looking: if we are wrong, the
            // commit is void, or the refusal is not confirmed, and the stream is loaded then.
            let mut entry = Entry::empty();
            let loaded = store
                .load(&self.stream, Some(&Basis::EMPTY))
                .await
                .map_err(|error| not_loaded(&error))?;
            entry.fold(&loaded)?;
            entry
        } else {
            self.shared.load_cold(&self.stream).await?
        };
        let entry = Arc::new(Mutex::new(entry));
        self.shared.cache.keep(self.id, &entry);
        Ok(entry)
    }

    async fn round(&self, entry: &SharedEntry<A>, batch: Vec<Waiting<A>>) -> Round<A> {
        let (decided, basis) = {
            let entry = lock(entry);
            let submissions = batch.iter().map(|waiting| &waiting.submission);
            (decide_all(&entry, &self.stream, submissions), entry.basis)
        };
        if !decided.commands.is_empty() {
            return self.commit(entry, basis, decided, batch).await;
        }
        let rejections = self.to_be_recorded(&batch, &decided.verdicts);
        if rejections.is_empty() {
            self.confirm(entry, basis, decided, batch).await
        } else {
            self.record(entry, basis, rejections, decided, batch).await
        }
    }

    /// The negative answers that are to be made final, in an order that is always the same.
    fn to_be_recorded(&self, batch: &[Waiting<A>], verdicts: &[Verdict]) -> BTreeMap<Uuid, KnownRejection> {
        if !self.shared.options.strict_rejections {
            return BTreeMap::new();
        }
        let negative = |(waiting, verdict): (&Waiting<A>, &Verdict)| {
            let stamp = &waiting.submission.stamp;
            Negative::of(verdict).map(|answer| {
                let hash = stamp.command_hash;
                (stamp.scoped_command(), KnownRejection { hash, answer })
            })
        };
        let mut known = BTreeMap::new();
        for (command, rejection) in batch.iter().zip(verdicts).filter_map(negative) {
            // Of a command that waits twice, the first answer counts.
            known.entry(command).or_insert(rejection);
        }
        known
    }

    /// Nothing to write but answers: those of this round are final when the log takes them, and with them the others are proven.
    async fn record(
        &self,
        entry: &SharedEntry<A>,
        basis: Basis,
        rejections: BTreeMap<Uuid, KnownRejection>,
        decided: Decided<A>,
        batch: Vec<Waiting<A>>,
    ) -> Round<A> {
        let records: Result<Vec<_>, _> = rejections
            .iter()
            .map(|(command, rejection)| rejection.to_record(*command))
            .collect();
        let records = match records {
            Ok(records) => records,
            Err(rejection) => {
                self.reject_all(batch, &rejection);
                return Round::Answered;
            }
        };
        match self
            .shared
            .store
            .record_rejections(&self.stream, &basis, &records)
            .await
        {
            Ok(Some(basis)) => {
                metrics::rejections_recorded(A::CATEGORY, records.len());
                let last = {
                    let mut entry = lock(entry);
                    entry.basis = basis;
                    entry.rejections.extend(rejections);
                    entry.last
                };
                self.shared.cache.keep(self.id, entry);
                // Decided once more, each finds its answer recorded: what is said is what stands in the log.
                let submissions = batch.iter().map(|waiting| &waiting.submission);
                let verdicts = decide_all(&lock(entry), &self.stream, submissions).verdicts;
                answer_proven(batch, verdicts, last)
            }
            Ok(None) => Round::Again(batch),
            Err(StoreError::TooLarge { .. }) if batch.len() > 1 => self.try_half(batch),
            Err(error) => {
                self.shared.cache.forget(self.id);
                self.answer_unproven(batch, decided.verdicts, &error);
                Round::Answered
            }
        }
    }

    /// Nothing to write: the answers hold if the state that they were decided on is the newest.
    async fn confirm(
        &self,
        entry: &SharedEntry<A>,
        basis: Basis,
        decided: Decided<A>,
        batch: Vec<Waiting<A>>,
    ) -> Round<A> {
        match self.shared.store.confirm(&self.stream, &basis).await {
            Ok(true) => {
                let last = lock(entry).last;
                answer_proven(batch, decided.verdicts, last)
            }
            Ok(false) => Round::Again(batch),
            Err(error) => {
                self.answer_unproven(batch, decided.verdicts, &error);
                Round::Answered
            }
        }
    }

    async fn commit(
        &self,
        entry: &SharedEntry<A>,
        basis: Basis,
        mut decided: Decided<A>,
        batch: Vec<Waiting<A>>,
    ) -> Round<A> {
        metrics::commit_sent(A::CATEGORY, decided.commands.len());
        let commit = Commit {
            id: self.shared.surroundings.randomness.id(),
            stream: self.stream.clone(),
            basis,
            commands: std::mem::take(&mut decided.commands),
        };
        match self.shared.store.commit(commit).await {
            Ok(CommitOutcome::Accepted(receipt)) => {
                let undecided = self.accepted(entry, receipt, decided, batch);
                if undecided.is_empty() {
                    Round::Answered
                } else {
                    Round::Again(undecided)
                }
            }
            Ok(CommitOutcome::Void) | Err(StoreError::WrongExpectedRevision { .. }) => Round::Again(batch),
            Err(StoreError::TooLarge { .. }) if batch.len() > 1 => self.try_half(batch),
            Err(error) => {
                self.shared.cache.forget(self.id);
                self.answer_unproven(batch, decided.verdicts, &error);
                Round::Answered
            }
        }
    }

    /// The log takes no piece as large as this batch makes: the second half waits for its turn again.
    fn try_half(&self, mut batch: Vec<Waiting<A>>) -> Round<A> {
        self.shared
            .queues
            .put_back(self.id, batch.split_off(batch.len().div_ceil(2)));
        Round::Again(batch)
    }

    /// Returns the commands whose answers are still to be recorded.
    fn accepted(
        &self,
        entry: &SharedEntry<A>,
        receipt: CommitReceipt,
        decided: Decided<A>,
        batch: Vec<Waiting<A>>,
    ) -> Vec<Waiting<A>> {
        {
            let mut entry = lock(entry);
            entry.state = decided.state;
            entry.basis = receipt.basis;
            entry.last = Some(receipt.at);
            entry.last_event = None;
            let known = decided.known.into_iter();
            entry.commands.extend(known.map(|(scoped, command)| {
                let at = Some(receipt.at);
                (scoped, super::cache::KnownCommand { at, ..command })
            }));
        }
        self.shared.cache.keep(self.id, entry);
        let mut undecided = Vec::new();
        for (waiting, verdict) in batch.into_iter().zip(decided.verdicts) {
            if self.shared.options.strict_rejections && Negative::of(&verdict).is_some() {
                undecided.push(waiting);
            } else {
                waiting.answer(verdict.into_answer(Some(receipt.at)));
            }
        }
        undecided
    }

    /// The store failed at the proof. Only commands with events share the fate of the commit; the others left no
    /// trace, but what they were to be told was not proven.
    fn answer_unproven(&self, batch: Vec<Waiting<A>>, verdicts: Vec<Verdict>, error: &StoreError) {
        let rejection = Rejection::from_store(error);
        self.log(&rejection);
        for (waiting, verdict) in batch.into_iter().zip(verdicts) {
            let own = match (&rejection, verdict) {
                (
                    Rejection::Unavailable { code, reason, .. },
                    Verdict::Rejected(_) | Verdict::Nothing { .. } | Verdict::Final(_),
                ) => Rejection::Unavailable {
                    certainty: Certainty::NotApplied,
                    code,
                    reason: reason.clone(),
                },
                (Rejection::Unavailable { code, reason, .. }, Verdict::Repeated(_)) => Rejection::Unavailable {
                    certainty: Certainty::Unknown,
                    code,
                    reason: reason.clone(),
                },
                (rejection, _) => (*rejection).clone(),
            };
            waiting.answer(Err(own));
        }
    }

    fn reject_all(&self, batch: Vec<Waiting<A>>, rejection: &Rejection) {
        self.log(rejection);
        for waiting in batch {
            waiting.answer(Err(rejection.clone()));
        }
    }

    /// Said once, here, where the failure is known; clients get its code.
    fn log(&self, rejection: &Rejection) {
        match rejection {
            Rejection::Failed { code, reason } => {
                tracing::error!(stream = %self.stream, code, reason, "commands failed");
            }
            Rejection::Unavailable { code, reason, .. } => {
                tracing::warn!(stream = %self.stream, code, reason, "commands could not be worked on");
            }
            _ => {}
        }
    }
}

/// Everybody is told; `last` is the place of the newest event of the state that the proof is about.
fn answer_proven<A: Aggregate>(
    batch: Vec<Waiting<A>>,
    verdicts: Vec<Verdict>,
    last: Option<event_store::LogPosition>,
) -> Round<A> {
    for (waiting, verdict) in batch.into_iter().zip(verdicts) {
        waiting.answer(verdict.into_answer(last));
    }
    Round::Answered
}

/// Is the first command one that a stream without events accepts?
fn starts_a_stream<A: Aggregate>(batch: &[Waiting<A>]) -> bool {
    batch.first().is_some_and(|first| {
        let submission = &first.submission;
        A::default().decide(&submission.command, &submission.context()).is_ok()
    })
}

/// A worker that ends by a defect (or with the runtime) must not leave a queue behind that nobody drains.
impl<A: Aggregate> Drop for Worker<A> {
    fn drop(&mut self) {
        if !self.finished {
            self.shared.cache.forget(self.id);
            self.shared.queues.abandon(self.id);
        }
    }
}
