//! Loading a stream for a decision, and knowing whether a loaded state is still the newest.

use std::sync::Arc;

use super::deciding::Stream;
use super::log::{Journal, Record, signed};
use super::mutant::Mutant;
use super::state::{Known, Node};

impl Node {
    /// Is a state that is complete through `seen` complete through everything this node has judged?
    pub(super) fn is_current(&self, stream: Stream, seen: i64) -> bool {
        let untouched = self
            .reader
            .last_covering(stream)
            .is_none_or(|last| signed(last) <= seen);
        untouched && seen + 1 >= signed(self.reader.horizon())
    }

    /// The newest state this node can give: the cached one if nothing lies behind it, or one from the journal; nothing while
    /// the journal has to be waited for.
    pub(super) fn load(
        &self,
        log: &[Arc<Record>],
        journal: &Journal,
        stream: Stream,
        mutant: Option<Mutant>,
    ) -> Option<Known> {
        let cached = self.cached(stream);
        if let Some(known) = cached.filter(|known| self.is_current(stream, known.seen)) {
            // Nothing of the stream lies behind it, so it is complete through everything judged, and may say so.
            let history = known.history.clone();
            let seen = self.reader.seen();
            return Some(Known { history, seen });
        }
        let last = self.reader.last_covering(stream).map_or(0, |last| last + 1);
        let needed = match mutant {
            Some(Mutant::LoadWaitsByWindowOnly) => last,
            _ => last.max(self.reader.horizon()),
        };
        if journal.next < needed {
            return None;
        }
        // Only what follows the cached state is loaded.
        let mut history = cached.map_or_else(Vec::new, |known| known.history.clone());
        let journaled = journal.history(log, stream);
        history.extend(journaled.into_iter().skip(history.len()));
        // The snapshot of the load may be further than the node.
        let seen = self.reader.seen().max(signed(journal.next) - 1);
        Some(Known { history, seen })
    }
}
