//! Another attempt at a parked stream: its events are read from the log and folded up to where its partition is.

use std::collections::{HashMap, HashSet};

use event_store::{Cut, ReadStreamOptions, RecordedEvent};

use super::subjects::SubjectCache;
use super::{ProjectorOptions, ProjectorService};
use crate::batch;
use crate::coalesce::CoalescedChanges;
use crate::error::{Poison, ProjectionError};
use crate::generation::Generation;
use crate::lease::Fences;
use crate::parking::{self, Parked, ParkedStep, ParkedStreams, ParkedTo};
use crate::write::Writer;

/// Events of a parked stream that are folded at once.
const CHUNK: usize = 1_000;

pub(super) struct Retrying<'a> {
    service: &'a ProjectorService,
    generation: &'a Generation,
    held: &'a Fences,
    /// What is committed. Nothing else moves it meanwhile.
    cut: &'a Cut,
    cache: &'a SubjectCache,
    options: &'a ProjectorOptions,
}

impl<'a> Retrying<'a> {
    pub(super) fn new(
        service: &'a ProjectorService,
        generation: &'a Generation,
        held: &'a Fences,
        cut: &'a Cut,
        cache: &'a SubjectCache,
        options: &'a ProjectorOptions,
    ) -> Self {
        Self {
            service,
            generation,
            held,
            cut,
            cache,
            options,
        }
    }

    /// Tries those that somebody wants tried; what goes on is taken out of the parked ones.
    pub(super) async fn retry_all(&self, parked: &mut ParkedStreams) -> Result<(), ProjectionError> {
        let wanted: Vec<Parked> = parked.to_retry().cloned().collect();
        for stream in wanted {
            match self.retry(stream.clone()).await? {
                None => parked.remove(&stream.stream),
                Some(stopped) => parked.insert(stopped),
            }
        }
        Ok(())
    }

    /// Folds chunk by chunk, each in a transaction of its own; where it stands now, when it did not get through.
    async fn retry(&self, mut parked: Parked) -> Result<Option<Parked>, ProjectionError> {
        let (pool, id) = (&self.service.pool, self.generation.id);
        parking::begin_retry(pool, id, &parked.stream).await?;
        let discarded = parking::discarded(pool, id, &parked.stream).await?;
        let mut writer = Writer::new(pool.clone(), self.generation.clone(), self.options.synchronous_commit)
            .fenced(self.held.clone());
        loop {
            let events = self.waiting(&parked).await?;
            let whole = events.len() < CHUNK;
            let (changes, poison, next) = self.fold(&events, &discarded, parked.revision).await?;
            let to = match &poison {
                Some(poison) => ParkedTo::Poison(poison),
                None if whole => ParkedTo::Free,
                None => ParkedTo::Revision(next),
            };
            let step = ParkedStep {
                parked: &parked,
                next_offset: self.cut.next(parked.partition),
                to,
            };
            match writer.write_parked(changes, &step).await {
                Err(ProjectionError::Database(error)) if crate::error::is_refused_by_data(&error) => {
                    return self.refused(parked, &error.to_string()).await;
                }
                written => written?,
            }
            if let Some(poison) = poison {
                tracing::warn!(
                    generation.schema = self.generation.schema,
                    stream = parked.stream.as_str(),
                    revision = poison.event.revision,
                    error = crate::error::chain(&poison.fault),
                    "a parked stream was tried again and stays parked"
                );
                parked.revision = poison.event.revision;
                parked.retry_requested = false;
                return Ok(Some(parked));
            }
            if whole {
                tracing::info!(
                    generation.schema = self.generation.schema,
                    stream = parked.stream.as_str(),
                    "a parked stream goes on"
                );
                return Ok(None);
            }
            parked.revision = next;
        }
    }

    /// The database does not take what its events make, as before.
    async fn refused(&self, mut parked: Parked, refusal: &str) -> Result<Option<Parked>, ProjectionError> {
        parking::still_refused(&self.service.pool, self.generation.id, &parked.stream, refusal).await?;
        parked.retry_requested = false;
        Ok(Some(parked))
    }

    /// The next events of the stream below the checkpoint of its partition. Read anew, so that none of them is missed.
    async fn waiting(&self, parked: &Parked) -> Result<Vec<RecordedEvent>, ProjectionError> {
        let below = self.cut.next(parked.partition);
        let options = ReadStreamOptions {
            from: Some(parked.revision),
            max_count: CHUNK,
            ..ReadStreamOptions::default()
        };
        let store = &self.service.store;
        let mut events = store.read_stream(&parked.stream, &options).await?;
        if events.len() < CHUNK {
            // The journal may be behind the log: what is newest comes with a proof that it is.
            let last = events
                .last()
                .map(|event| event.revision)
                .or_else(|| parked.revision.checked_sub(1));
            events.extend(store.load_after(&parked.stream, last).await?.events);
        }
        events.retain(|event| event.at.offset < below);
        events.truncate(CHUNK);
        Ok(events)
    }

    /// Folds what can be folded: what it does to rows, what stands in the way, and the revision after the last that was folded.
    async fn fold(
        &self,
        events: &[RecordedEvent],
        discarded: &HashSet<u64>,
        from: u64,
    ) -> Result<(CoalescedChanges, Option<Poison>, u64), ProjectionError> {
        match self.fold_all(events, discarded).await {
            Ok(changes) => Ok((changes, None, events.last().map_or(from, |last| last.revision + 1))),
            Err(ProjectionError::Poison(poison)) => {
                let stands_before = poison.event.revision;
                let (before, _) = events.split_at(events.partition_point(|event| event.revision < stands_before));
                // Anew, since what an error leaves behind is half-done.
                let changes = self.fold_all(before, discarded).await?;
                Ok((changes, Some(*poison), stands_before))
            }
            Err(error) => Err(error),
        }
    }

    async fn fold_all(
        &self,
        events: &[RecordedEvent],
        discarded: &HashSet<u64>,
    ) -> Result<CoalescedChanges, ProjectionError> {
        let mut changes = CoalescedChanges::default();
        let mut subjects = HashMap::new();
        if let Some(first) = events.first()
            && let Some(subject) = self.cache.read_anew(&self.service.pool, &first.stream).await?
        {
            subjects.insert(first.stream.clone(), subject);
        }
        for event in events {
            if discarded.contains(&event.revision) {
                batch::pass_over(&mut subjects, event, &mut changes)?;
            } else {
                let decoded = batch::decode(event.clone())?;
                batch::fold(&self.service.projectors, &mut subjects, &[decoded], &mut changes)?;
            }
        }
        Ok(changes)
    }
}
