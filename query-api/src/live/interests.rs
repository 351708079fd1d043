//! What an operation has read, as far as changes of it are told.

use std::collections::HashSet;

use domain::StreamId;
use uuid::Uuid;

/// More single streams are taken as all of their kind.
const SINGLE_STREAMS: usize = 2_000;

/// What a statement reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reads<'a> {
    /// These conversations, or what belongs to them.
    Conversations(&'a [Uuid]),
    /// These tasks, or what belongs to them.
    Tasks(&'a [Uuid]),
    /// Any conversations.
    AllConversations,
    /// Any tasks.
    AllTasks,
    /// Anything.
    Everything,
    /// One stream, by its name.
    Stream(&'a str),
}

/// Everything that an operation has read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interests {
    pub(super) streams: HashSet<StreamId>,
    pub(super) conversations: bool,
    pub(super) tasks: bool,
}

impl Interests {
    pub(crate) fn note(&mut self, reads: Reads<'_>) {
        match reads {
            Reads::Conversations(ids) => {
                self.conversations |= self.note_streams("conversation", ids);
            }
            Reads::Tasks(ids) => {
                self.tasks |= self.note_streams("task", ids);
            }
            Reads::AllConversations => self.conversations = true,
            Reads::AllTasks => self.tasks = true,
            Reads::Everything => {
                self.conversations = true;
                self.tasks = true;
            }
            Reads::Stream(name) => {
                if let Ok(stream) = StreamId::parse(name) {
                    self.streams.insert(stream);
                }
            }
        }
    }

    /// Were they too many?
    fn note_streams(&mut self, category: &'static str, ids: &[Uuid]) -> bool {
        self.streams.extend(ids.iter().map(|id| StreamId::of(category, *id)));
        self.streams.len() > SINGLE_STREAMS
    }

    /// Does a change of this stream, which is this owner's, concern it, when only rows of `only_owner` are seen?
    pub(super) fn hold(&self, stream: &StreamId, owner: Uuid, only_owner: Option<Uuid>) -> bool {
        if self.streams.contains(stream) {
            return true;
        }
        let all = match stream.category() {
            "conversation" => self.conversations,
            "task" => self.tasks,
            _ => false,
        };
        all && only_owner.is_none_or(|only| only == owner)
    }
}

#[cfg(test)]
mod tests {
    use domain::StreamId;
    use uuid::Uuid;

    use super::{Interests, Reads};

    #[test]
    fn single_streams_concern_whoever_owns_them_and_lists_concern_their_owner() {
        let (one, other, owner, stranger) = (
            Uuid::from_u128(1),
            Uuid::from_u128(2),
            Uuid::from_u128(3),
            Uuid::from_u128(4),
        );
        let mut interests = Interests::default();
        interests.note(Reads::Tasks(&[one]));
        interests.note(Reads::AllConversations);
        let task = |id| StreamId::of("task", id);
        let conversation = |id| StreamId::of("conversation", id);
        assert!(interests.hold(&task(one), stranger, Some(owner)));
        assert!(!interests.hold(&task(other), owner, None));
        assert!(interests.hold(&conversation(other), owner, Some(owner)));
        assert!(!interests.hold(&conversation(other), stranger, Some(owner)));
        assert!(interests.hold(&conversation(other), stranger, None));
    }

    #[test]
    fn very_many_streams_are_all() {
        let mut interests = Interests::default();
        let ids: Vec<Uuid> = (0..2_001).map(Uuid::from_u128).collect();
        interests.note(Reads::Tasks(&ids));
        assert!(interests.hold(&StreamId::of("task", Uuid::from_u128(9_999)), Uuid::nil(), None));
    }
}
