//! What was folded and is not yet on its way to the database.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use event_store::Cut;

use super::subjects::Subjects;
use crate::batch::{self, Piece};
use crate::coalesce::CoalescedChanges;
use crate::error::{EventName, ProjectionError};
use crate::projector::Projector;

/// Pieces of the log that become one transaction.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// As they are after the pieces.
    pub(crate) subjects: Subjects,
    pub(crate) changes: CoalescedChanges,
    /// How far the log is covered after them.
    pub(crate) to: Cut,
    pub(crate) recorded_at: BTreeMap<u32, DateTime<Utc>>,
    pub(crate) events: usize,
    bytes: usize,
    first: Option<EventName>,
}

impl Folded {
    /// Adds a piece; `subjects` must hold those of its streams. After an error this is to be thrown away.
    pub(crate) fn add(&mut self, projectors: &[Box<dyn Projector>], piece: &Piece) -> Result<(), ProjectionError> {
        batch::fold_piece(projectors, &mut self.subjects, piece, &mut self.changes)?;
        self.to.merge(&piece.to);
        for (partition, at) in &piece.recorded_at {
            let latest = self.recorded_at.entry(*partition).or_insert(*at);
            *latest = (*latest).max(*at);
        }
        self.events += piece.events.len();
        self.bytes += piece.bytes;
        if self.first.is_none() {
            self.first = piece.events.first().map(|event| EventName::of(&event.recorded));
        }
        Ok(())
    }

    /// Nothing at all, not even void records that were passed.
    pub(crate) fn is_empty(&self) -> bool {
        self.to == Cut::start()
    }

    /// May another piece be added?
    pub(crate) fn has_room(&self, events: usize, bytes: usize) -> bool {
        self.events < events && self.bytes < bytes
    }

    /// The first event; where one record is taken at a time, whatever is wrong is wrong with it or what came with it.
    pub(crate) fn first(&self) -> Option<&EventName> {
        self.first.as_ref()
    }
}
