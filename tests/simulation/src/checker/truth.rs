//! What the true answer to a command was at a moment.

use command_api::handling::Refused;
use domain::{Refusal as _, RefusalKind};
use event_store::StreamState;

use super::stream::{Moment, Past};
use crate::history::Attempt;
use crate::order::Simulated;

/// A true answer.
pub(super) enum Truth {
    Done,
    AlreadyDone,
    KeyReused,
    Conflict,
    Nothing,
    Refused(Refused),
    /// The one that is recorded in the log.
    Recorded,
}

impl<A: Simulated> Past<A> {
    /// What the command of an attempt would have been answered at a moment.
    pub(super) fn truth(&self, moment: &Moment<A>, attempt: &Attempt) -> Option<Truth> {
        let command = &attempt.command;
        let scoped = command.scoped();
        let done = self.done.iter().take(moment.done);
        if let Some(done) = done.into_iter().find(|done| done.scoped == scoped) {
            let same = done.hash == command.hash;
            return Some(if same { Truth::AlreadyDone } else { Truth::KeyReused });
        }
        let recorded = self.recorded.iter().take(moment.recorded);
        if let Some(recorded) = recorded
            .into_iter()
            .find(|recorded| recorded.rejection.command == scoped)
        {
            let same = recorded.rejection.command_hash == command.hash;
            return Some(if same { Truth::Recorded } else { Truth::KeyReused });
        }
        let decided = moment.state.decide(A::command(&command.order)?, &attempt.context());
        let fits = match command.expected {
            StreamState::Any => true,
            StreamState::NoStream => moment.revision.is_none(),
            StreamState::StreamExists => moment.revision.is_some(),
            StreamState::StreamRevision(revision) => moment.revision == Some(revision),
        };
        Some(match decided {
            Err(refusal) => {
                // Who may not act on the stream does not learn its revision.
                let hides = matches!(
                    refusal.kind(),
                    RefusalKind::Forbidden | RefusalKind::NotFound | RefusalKind::Deleted
                );
                if fits || hides {
                    Truth::Refused(Refused {
                        code: refusal.code().into(),
                        kind: refusal.kind(),
                        message: refusal.to_string(),
                        field: refusal.field().map(Into::into),
                        limit: refusal.limit(),
                        retry_at: refusal.retry_at(),
                        is_final: false,
                    })
                } else {
                    Truth::Conflict
                }
            }
            Ok(_) if !fits => Truth::Conflict,
            Ok(events) if events.is_empty() => Truth::Nothing,
            Ok(_) => Truth::Done,
        })
    }
}
