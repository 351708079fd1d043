//! A limit on how often something may be done in a sliding window of time: the rule book.
//!
//! A reservation is made before the thing itself, on a stream of its own (`quota-<user>`), because the limit spans
//! streams. A reservation that was made stays made, whether the thing succeeds or not.

mod command;
mod event;
mod refusal;

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::actor::Role;
use crate::aggregate::{Aggregate, Context};

pub use command::QuotaCommand;
pub use event::QuotaEvent;
pub use refusal::QuotaRefusal;

/// The largest limit that can be asked for: the state remembers so many reservations and no more.
pub const LIMIT_MAX: u32 = 1_000;

/// The longest window that can be asked for: a year.
pub const WINDOW_MAX_MS: u64 = 366 * 24 * 60 * 60 * 1_000;

/// The newest reservations of one quota, at most [`LIMIT_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quota {
    reserved: VecDeque<(Uuid, DateTime<Utc>)>,
}

impl Aggregate for Quota {
    const CATEGORY: &'static str = "quota";
    const FOLD_VERSION: u32 = 1;
    type Command = QuotaCommand;
    type Event = QuotaEvent;
    type Refusal = QuotaRefusal;

    fn decide(&self, command: &QuotaCommand, context: &Context) -> Result<Vec<QuotaEvent>, QuotaRefusal> {
        let QuotaCommand::Reserve {
            reservation,
            limit,
            window_ms,
        } = *command;
        if context.actor.role == Role::Analyst {
            return Err(QuotaRefusal::NotAllowed);
        }
        if limit == 0 || limit > LIMIT_MAX {
            return Err(QuotaRefusal::LimitOutOfRange);
        }
        let window = window_from(window_ms)?;
        // History brought in from elsewhere happened already; a limit cannot stop it.
        if context.imported || self.holds(reservation) {
            return Ok(Vec::new());
        }
        match self.opens_at(limit, window, context.at) {
            Some(retry_at) => Err(QuotaRefusal::Exhausted { limit, retry_at }),
            None => Ok(vec![QuotaEvent::Reserved {
                reservation,
                at: context.at,
            }]),
        }
    }

    fn evolve(&mut self, event: &QuotaEvent) {
        let QuotaEvent::Reserved { reservation, at } = *event;
        while self.reserved.len() >= LIMIT_MAX as usize {
            self.reserved.pop_front();
        }
        self.reserved.push_back((reservation, at));
    }

    fn weight(&self) -> usize {
        self.reserved.capacity() * size_of::<(Uuid, DateTime<Utc>)>()
    }
}

impl Quota {
    fn holds(&self, reservation: Uuid) -> bool {
        self.reserved.iter().any(|(known, _)| *known == reservation)
    }

    /// When the next reservation fits, if none fits now. Times of different nodes may step back, hence the sorting.
    fn opens_at(&self, limit: u32, window: TimeDelta, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut leaving: Vec<DateTime<Utc>> = Vec::with_capacity(self.reserved.len());
        for (_, at) in &self.reserved {
            let leaves_at = at.checked_add_signed(window).unwrap_or(DateTime::<Utc>::MAX_UTC);
            if leaves_at > now {
                leaving.push(leaves_at);
            }
        }
        leaving.sort_unstable();
        // As many must leave as there are above one less than the limit; with a full window that is the oldest.
        let first_that_makes_room = leaving.len().checked_sub(limit as usize)?;
        leaving.get(first_that_makes_room).copied()
    }
}

fn window_from(milliseconds: u64) -> Result<TimeDelta, QuotaRefusal> {
    if milliseconds == 0 || milliseconds > WINDOW_MAX_MS {
        return Err(QuotaRefusal::WindowOutOfRange);
    }
    let milliseconds = i64::try_from(milliseconds).map_err(|_| QuotaRefusal::WindowOutOfRange)?;
    TimeDelta::try_milliseconds(milliseconds).ok_or(QuotaRefusal::WindowOutOfRange)
}
