//! A look ahead: what would a command do now? Binds nobody, writes nothing.

use domain::Aggregate;

use super::cache::{Entry, lock};
use super::decision::{Verdict, decide_all};
use super::{CommandHandler, Rejection, Submission};

/// The state as it was seen, and whether the command would cause events on it.
#[derive(Debug, Clone)]
pub struct Preview<A> {
    /// The state before the command.
    pub state: A,
    /// It would be taken and cause events; otherwise it would be refused, is a repetition, or has nothing to do.
    pub causes_events: bool,
}

impl<A: Aggregate> CommandHandler<A> {
    /// Decides a command on a fresh state without queueing it.
    pub async fn preview(&self, submission: &Submission<A::Command>) -> Result<Preview<A>, Rejection> {
        let stream = Self::stream(submission.id);
        let mut entry = self
            .shared
            .cache
            .get(submission.id)
            .map_or_else(Entry::empty, |shared| {
                let shared = lock(&shared);
                Entry {
                    state: shared.state.clone(),
                    basis: shared.basis,
                    last: shared.last,
                    last_event: shared.last_event,
                    // Only the command in question matters; the whole map may be large.
                    commands: shared
                        .commands
                        .get_key_value(&submission.stamp.scoped_command())
                        .map(|(scoped, known)| (*scoped, *known))
                        .into_iter()
                        .collect(),
                    rejections: shared
                        .rejections
                        .get_key_value(&submission.stamp.scoped_command())
                        .map(|(scoped, known)| (*scoped, known.clone()))
                        .into_iter()
                        .collect(),
                }
            });
        let known = entry.basis.revision.is_some().then_some(entry.basis);
        let loaded = self
            .shared
            .store
            .load(&stream, known.as_ref())
            .await
            .map_err(|error| Rejection::from_store(&error))?;
        entry.fold(&loaded)?;
        let decided = decide_all(&entry, &stream, std::iter::once(submission));
        let causes_events = matches!(decided.verdicts.first(), Some(Verdict::Events { .. }));
        Ok(Preview {
            state: entry.state,
            causes_events,
        })
    }
}
