//! Subjects that were written last, in bounded memory.
//!
//! Two maps: what is put in goes into the young one, and when that has half of the memory, it becomes the old one and what was old is
//! forgotten. What is looked for is taken out, since it comes back when it is written: so whatever is in use stays young, nothing is copied, and
//! the bookkeeping of a cache that knows the least used one is not paid for with each event.

use std::mem;

use domain::StreamId;

use super::subjects::Subjects;
use crate::subject::Subject;

/// Bytes of a subject without its title and days, roughly.
const SUBJECT_BYTES: usize = 400;
const DAY_BYTES: usize = 64;

#[derive(Debug)]
pub(super) struct RecentSubjects {
    young: Subjects,
    old: Subjects,
    young_bytes: usize,
    max_bytes: usize,
}

impl RecentSubjects {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            young: Subjects::default(),
            old: Subjects::default(),
            young_bytes: 0,
            max_bytes,
        }
    }

    /// Takes a subject out.
    pub(super) fn take(&mut self, stream: &StreamId) -> Option<Subject> {
        if let Some(subject) = self.young.remove(stream) {
            self.young_bytes = self.young_bytes.saturating_sub(bytes(&subject));
            return Some(subject);
        }
        self.old.remove(stream)
    }

    /// Puts subjects in, as they are from now on.
    pub(super) fn put(&mut self, subjects: Subjects) {
        for (stream, subject) in subjects {
            self.young_bytes += bytes(&subject);
            // An older state must not come to light again when this one is forgotten.
            self.old.remove(&stream);
            if let Some(before) = self.young.insert(stream, subject) {
                self.young_bytes = self.young_bytes.saturating_sub(bytes(&before));
            }
            if self.young_bytes > self.max_bytes / 2 {
                self.old = mem::take(&mut self.young);
                self.young_bytes = 0;
            }
        }
    }
}

fn bytes(subject: &Subject) -> usize {
    SUBJECT_BYTES + subject.title.len() + subject.measures.len() * DAY_BYTES
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use domain::StreamId;

    use super::{RecentSubjects, SUBJECT_BYTES};
    use crate::service::subjects::Subjects;
    use crate::subject::{Subject, SubjectKind, SubjectStatus};

    fn stream(number: u128) -> StreamId {
        StreamId::of("task", uuid::Uuid::from_u128(number))
    }

    fn one(number: u128, revision: u64) -> Subjects {
        let subject = Subject {
            stream: stream(number),
            kind: SubjectKind::Task,
            id: uuid::Uuid::from_u128(number),
            owner_id: domain::UserId::new(uuid::Uuid::nil()),
            title: String::new(),
            created_day: chrono::NaiveDate::default(),
            task_type: None,
            type_chosen: false,
            complexity: None,
            complexity_chosen: false,
            status: SubjectStatus::Pending,
            conversation_id: None,
            attempt: 0,
            running_execution: None,
            log_lines: 0,
            message_count: 0,
            measures: std::collections::BTreeMap::new(),
            revision,
        };
        std::iter::once((stream(number), subject)).collect()
    }

    #[test]
    fn what_was_put_in_comes_out_once() {
        let mut recent = RecentSubjects::new(100 * SUBJECT_BYTES);
        recent.put(one(1, 5));
        recent.put(one(1, 6));
        assert_eq!(recent.take(&stream(1)).unwrap().revision, 6);
        assert_eq!(recent.take(&stream(1)), None);
        assert_eq!(recent.young_bytes, 0);
    }

    #[test]
    fn the_least_recent_ones_are_forgotten_and_no_older_state_comes_back() {
        let mut recent = RecentSubjects::new(20 * SUBJECT_BYTES);
        recent.put(one(0, 1));
        for number in 1..12 {
            recent.put(one(number, 1));
        }
        // In the old half by now, and written anew.
        recent.put(one(0, 2));
        for number in 12..100 {
            recent.put(one(number, 1));
        }
        assert!(recent.young.len() + recent.old.len() <= 22);
        assert_eq!(recent.take(&stream(0)), None);
        assert!(recent.take(&stream(99)).is_some());
    }
}
