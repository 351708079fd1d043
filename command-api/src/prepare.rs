//! From an order to the command of its aggregate: everything that can be checked without reading the log.

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use domain::id::created_by;
use event_store::CommandStamp;
use platform::clock;
use platform::problem::Problem;

use crate::body_hash::command_hash;
use crate::dto::InvalidBody;
use crate::handling::Submission;
use crate::order::{Caller, Order, Prepared, TypedSubmission};
use crate::problem;
use crate::translate::{Sender, Translated, translate};

/// Longest `provenance` in bytes.
const PROVENANCE_MAX_BYTES: usize = 200;

impl Order {
    /// Checks an order as far as no state is needed for it, and makes the aggregate's command of it.
    pub(crate) fn prepare(self, caller: &Caller) -> Result<Prepared, Problem> {
        let Order {
            name,
            id,
            command_id,
            body,
            expected,
            at,
            provenance,
            bytes,
        } = self;
        let actor = caller.actor;
        if !name.roles().contains(&actor.role) {
            return Err(problem::role_not_allowed());
        }
        if !actor.is_service() {
            let service_only = [
                ("at", at.is_some()),
                ("provenance", provenance.is_some()),
                ("id", name.begins_stream() && id.is_some()),
            ];
            if let Some((field, _)) = service_only.into_iter().find(|(_, given)| *given) {
                return Err(problem::service_only_field(field));
            }
        }
        check_provenance(provenance.as_deref())?;
        let at = at.map_or_else(|| Ok(clock::now()), storable)?;
        let command_hash = command_hash(name, id, &body);
        let scoped = command_id.scoped(actor.id);
        let sender = Sender {
            actor,
            scoped,
            imported: provenance.is_some(),
        };
        let (command, part) = translate(name, &body, &sender)?;
        let id = match id {
            Some(id) => id,
            None if name.begins_stream() => created_by(scoped, name.aggregate().category()),
            None => return Err(missing_id()),
        };
        let stamp = CommandStamp {
            command_id,
            command_hash,
            actor: actor.id,
            role: actor.role,
            correlation_id: caller.correlation_id.clone(),
            causation_id: None,
            traceparent: caller.traceparent.clone(),
            provenance,
        };
        let submission = match command {
            Translated::Conversation(command) => TypedSubmission::Conversation(Submission {
                id,
                command,
                stamp,
                at,
                expected,
                bytes,
            }),
            Translated::Task(command) => TypedSubmission::Task(Submission {
                id,
                command,
                stamp,
                at,
                expected,
                bytes,
            }),
        };
        Ok(Prepared {
            name,
            id,
            part,
            submission,
        })
    }
}

fn missing_id() -> Problem {
    let reason = "this command needs the id of its target".to_owned();
    problem::invalid_body(InvalidBody {
        field: "id".to_owned(),
        reason,
    })
}

fn check_provenance(provenance: Option<&str>) -> Result<(), Problem> {
    let fits = |text: &str| (1..=PROVENANCE_MAX_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    if provenance.is_none_or(fits) {
        return Ok(());
    }
    let detail = "provenance takes 1 to 200 bytes without control characters";
    Err(problem::invalid_content(
        "request.provenance-invalid",
        "provenance",
        detail,
    ))
}

/// A time that every table and format can hold, cut to the database's precision.
fn storable(at: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
    if (1..=9_999).contains(&at.year()) {
        Ok(at.trunc_subsecs(6))
    } else {
        Err(problem::invalid_content(
            "request.time-out-of-range",
            "at",
            "a time must lie in the years 1 to 9999",
        ))
    }
}
