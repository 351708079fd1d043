//! Conversations as subjects.

use domain::conversation::ConversationEvent;

use super::{Subject, SubjectFault, SubjectKind, SubjectStatus};
use crate::projector::DecodedEvent;

pub(super) fn begin(event: &DecodedEvent, first: &ConversationEvent) -> Result<Subject, SubjectFault> {
    match first {
        ConversationEvent::Started { owner_id, title } => {
            Subject::new(event, SubjectKind::Conversation, *owner_id, title)
        }
        _ => Err(SubjectFault::NotBegun),
    }
}

pub(super) fn evolve(subject: &mut Subject, event: &ConversationEvent) -> Result<(), SubjectFault> {
    match event {
        ConversationEvent::Started { .. } => return Err(SubjectFault::BegunTwice),
        ConversationEvent::Renamed { title } => subject.title.clone_from(title),
        ConversationEvent::MessageSent(_) => subject.message_count += 1,
        ConversationEvent::Archived => subject.status = SubjectStatus::Archived,
        ConversationEvent::Reopened => subject.status = SubjectStatus::Active,
        ConversationEvent::Deleted => subject.status = SubjectStatus::Deleted,
    }
    Ok(())
}
