//! Hands what the change feed tells to the operations that it concerns.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::StreamId;
use event_store::Cut;
use platform::shutdown::Shutdown;
use projections::ReadError;
use projections::change_feed::{ChangeFeed, Changes, WhatChanged};
use tokio::sync::Notify;
use uuid::Uuid;

use super::interests::Interests;
use crate::metrics;

/// After a failure of the feed the next look is taken so much later.
const PAUSE: Duration = Duration::from_millis(500);
/// What was told so many times before is remembered, for operations that read just before it was told.
const REMEMBERED: usize = 256;

/// Who waits for which changes. Cheap to clone.
#[derive(Clone, Default)]
pub struct LiveChanges {
    state: Arc<Mutex<State>>,
    somebody_waits: Arc<Notify>,
}

#[derive(Default)]
struct State {
    next_id: u64,
    /// What was told last, newest at the end.
    recent: VecDeque<Changes>,
    standing: HashMap<u64, Waiting>,
    by_stream: HashMap<StreamId, HashSet<u64>>,
    /// Those who read lists, by whose rows they see; none is everybody's.
    of_conversations: HashMap<Option<Uuid>, HashSet<u64>>,
    of_tasks: HashMap<Option<Uuid>, HashSet<u64>>,
}

struct Waiting {
    only_owner: Option<Uuid>,
    interests: Interests,
    changed: Arc<Notify>,
    /// When it is concerned: everything below this cut is not what concerns it. None where that is not known.
    quiet_until: Option<Cut>,
    is_concerned: bool,
}

/// An operation among those that wait; dropping it takes it out.
pub(crate) struct Registration {
    changes: LiveChanges,
    id: u64,
    changed: Arc<Notify>,
}

impl LiveChanges {
    /// Follows the feed until shutdown. While it fails, whoever waits is told that everything may have changed as soon as it works again.
    pub async fn run(self, mut feed: ChangeFeed, shutdown: Shutdown) -> Result<(), std::convert::Infallible> {
        while !shutdown.is_requested() {
            let told = tokio::select! {
                () = shutdown.requested() => break,
                told = self.next_of(&mut feed) => told,
            };
            match told {
                Ok(changes) => self.tell(changes),
                Err(error) => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "changes are not told at present"
                    );
                    tokio::select! {
                        () = shutdown.requested() => break,
                        () = tokio::time::sleep(PAUSE) => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// The database is asked nothing while nobody waits. Whoever comes reads after that, and the next look tells from where the last one was.
    async fn next_of(&self, feed: &mut ChangeFeed) -> Result<Changes, ReadError> {
        while self.lock().standing.is_empty() {
            self.somebody_waits.notified().await;
        }
        feed.next().await
    }

    /// Takes an operation in, which sees rows of this owner only.
    pub(crate) fn register(&self, only_owner: Option<Uuid>) -> Registration {
        let changed = Arc::new(Notify::new());
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        let waiting = Waiting {
            only_owner,
            interests: Interests::default(),
            changed: Arc::clone(&changed),
            quiet_until: None,
            is_concerned: false,
        };
        state.standing.insert(id, waiting);
        metrics::standing_operations(state.standing.len());
        drop(state);
        self.somebody_waits.notify_one();
        Registration {
            changes: self.clone(),
            id,
            changed,
        }
    }

    fn tell(&self, changes: Changes) {
        let mut state = self.lock();
        let quiet_until = match &changes.what {
            WhatChanged::Everything => None,
            WhatChanged::Streams(_) => state.recent.back().map(|told| told.cut.clone()),
        };
        for id in state.concerned(&changes.what) {
            if let Some(waiting) = state.standing.get_mut(&id) {
                waiting.concern(quiet_until.as_ref());
            }
        }
        if state.recent.len() == REMEMBERED {
            state.recent.pop_front();
        }
        state.recent.push_back(changes);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Of several things that concern it the first one counts.
    fn concern(&mut self, quiet_until: Option<&Cut>) {
        if !self.is_concerned {
            self.is_concerned = true;
            self.quiet_until = quiet_until.cloned();
        }
        self.changed.notify_one();
    }
}

impl State {
    fn concerned(&self, what: &WhatChanged) -> HashSet<u64> {
        let WhatChanged::Streams(streams) = what else {
            return self.standing.keys().copied().collect();
        };
        let mut concerned = HashSet::new();
        for changed in streams {
            let of_category = match changed.stream.category() {
                "conversation" => &self.of_conversations,
                "task" => &self.of_tasks,
                _ => continue,
            };
            let who = [
                self.by_stream.get(&changed.stream),
                of_category.get(&None),
                of_category.get(&Some(changed.owner.as_uuid())),
            ];
            concerned.extend(who.into_iter().flatten().flatten());
        }
        concerned
    }

    fn take_out(&mut self, id: u64) -> Option<Waiting> {
        let waiting = self.standing.remove(&id)?;
        for stream in &waiting.interests.streams {
            remove(&mut self.by_stream, stream, id);
        }
        remove(&mut self.of_conversations, &waiting.only_owner, id);
        remove(&mut self.of_tasks, &waiting.only_owner, id);
        Some(waiting)
    }

    fn put_in(&mut self, id: u64, waiting: Waiting) {
        for stream in &waiting.interests.streams {
            self.by_stream.entry(stream.clone()).or_default().insert(id);
        }
        if waiting.interests.conversations {
            self.of_conversations.entry(waiting.only_owner).or_default().insert(id);
        }
        if waiting.interests.tasks {
            self.of_tasks.entry(waiting.only_owner).or_default().insert(id);
        }
        self.standing.insert(id, waiting);
    }

    /// Was something told beyond the cut that concerns it? Also when that is not remembered any more.
    fn was_told(&self, waiting: &Waiting, cut: &Cut) -> bool {
        let beyond = self.recent.iter().rev().take_while(|told| !cut.covers(&told.cut));
        let mut seen = 0;
        for told in beyond {
            seen += 1;
            let concerns = match &told.what {
                WhatChanged::Everything => true,
                WhatChanged::Streams(streams) => streams.iter().any(|changed| {
                    let owner = changed.owner.as_uuid();
                    waiting.interests.hold(&changed.stream, owner, waiting.only_owner)
                }),
            };
            if concerns {
                return true;
            }
        }
        seen == REMEMBERED
    }
}

fn remove<K: std::hash::Hash + Eq>(index: &mut HashMap<K, HashSet<u64>>, key: &K, id: u64) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

impl Registration {
    /// From now on it waits for changes of what it has read in a snapshot at this cut; such as were told meanwhile count.
    pub(super) fn wait_for(&self, interests: Interests, cut: &Cut) {
        let mut state = self.changes.lock();
        let Some(waiting) = state.take_out(self.id) else { return };
        let waiting = Waiting { interests, ..waiting };
        let mut waiting = Waiting {
            quiet_until: None,
            is_concerned: false,
            ..waiting
        };
        if state.was_told(&waiting, cut) {
            waiting.concern(Some(cut));
        }
        state.put_in(self.id, waiting);
    }

    /// Waits until something has changed since the last time; before which cut nothing has, where that is known.
    pub(super) async fn changed(&self) -> Option<Cut> {
        self.changed.notified().await;
        let state = self.changes.lock();
        state
            .standing
            .get(&self.id)
            .and_then(|waiting| waiting.quiet_until.clone())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut state = self.changes.lock();
        state.take_out(self.id);
        metrics::standing_operations(state.standing.len());
    }
}
