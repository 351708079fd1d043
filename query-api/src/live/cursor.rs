//! How far a subscription has told, for those that tell what is new since the last answer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use event_store::Cut;

/// Where a subscription stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Cursor {
    /// Nothing was told yet.
    #[default]
    Beginning,
    /// Everything of a stream up to this revision; none is nothing.
    Revision(Option<i64>),
    /// Everything in the journal below this position.
    Position(i64),
}

/// What an answer has to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Told {
    /// The field does not say: it is news when its rows are others than those of the answer before.
    #[default]
    Unsaid,
    /// There is nothing new.
    Nothing,
    /// There is something new.
    News,
    /// The same, and more of it than fits into one answer.
    MoreNews,
}

/// Where a field of a subscription reads how far it has told, and leaves how far it tells now. What it leaves counts when the answer is given.
#[derive(Debug, Default)]
pub(crate) struct CursorSlot {
    before: Cursor,
    /// Nothing up to this cut concerns the subscription, but what was told.
    quiet_until: Option<Cut>,
    after: Mutex<(Option<Cursor>, Told)>,
}

impl CursorSlot {
    pub(crate) fn at(before: Cursor, quiet_until: Option<Cut>) -> Self {
        Self {
            before,
            quiet_until,
            ..Self::default()
        }
    }

    /// How far was told before.
    pub(crate) fn before(&self) -> &Cursor {
        &self.before
    }

    /// A cut before which nothing has happened since then that concerns the subscription, where one is known.
    pub(crate) fn quiet_until(&self) -> Option<&Cut> {
        self.quiet_until.as_ref()
    }

    /// How far is told with this answer.
    pub(crate) fn leave(&self, cursor: Cursor, told: Told) {
        *self.lock() = (Some(cursor), told);
    }

    /// The cursor for the next answer, and what this one tells.
    pub(crate) fn outcome(&self) -> (Cursor, Told) {
        let (cursor, told) = &*self.lock();
        (cursor.clone().unwrap_or_else(|| self.before.clone()), *told)
    }

    fn lock(&self) -> MutexGuard<'_, (Option<Cursor>, Told)> {
        self.after.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
