//! From the body of a command, as the client sent it, to the command of the domain.

mod conversation;
mod task;

use domain::conversation::ConversationCommand;
use domain::id::created_by;
use domain::task::TaskCommand;
use domain::{Actor, UserId};
use platform::problem::Problem;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::catalogue::{AggregateKind, CommandName};
use crate::dto::{self, NoContent};
use crate::order::Part;
use crate::problem;

/// What a translation needs to know besides the body.
pub(crate) struct Sender {
    pub(crate) actor: Actor,
    /// Principal and command id; what derived ids derive from.
    pub(crate) scoped: Uuid,
    pub(crate) imported: bool,
}

/// A command of the domain.
pub(crate) enum Translated {
    Conversation(ConversationCommand),
    Task(TaskCommand),
}

/// Reads the body of the named command.
pub(crate) fn translate(
    name: CommandName,
    body: &Value,
    sender: &Sender,
) -> Result<(Translated, Option<Part>), Problem> {
    match name.aggregate() {
        AggregateKind::Conversation => {
            let (command, part) = conversation::translate(name, body, sender)?;
            Ok((Translated::Conversation(command), part))
        }
        AggregateKind::Task => {
            let (command, part) = task::translate(name, body, sender)?;
            Ok((Translated::Task(command), part))
        }
    }
}

/// No body is an empty object, so that a missing field is named.
fn read<T: for<'de> Deserialize<'de>>(body: &Value) -> Result<T, Problem> {
    let read = if body.is_null() {
        dto::read(&Value::Object(Map::new()))
    } else {
        dto::read(body)
    };
    read.map_err(problem::invalid_body)
}

fn read_nothing(body: &Value) -> Result<(), Problem> {
    read::<NoContent>(body).map(|_| ())
}

impl Sender {
    /// The id that a service gave, or the one that every repetition of this command derives.
    fn given_or_derived(&self, given: Option<Uuid>, field: &'static str, kind: &str) -> Result<Uuid, Problem> {
        match given {
            Some(_) if !self.actor.is_service() => Err(problem::service_only_field(field)),
            Some(id) => Ok(id),
            None => Ok(created_by(self.scoped, kind)),
        }
    }

    /// The owner of what is created: people by themselves, what a service creates by the person that it names.
    fn owner(&self, named: Option<Uuid>) -> Result<UserId, Problem> {
        match named {
            Some(owner) => Ok(UserId::new(owner)),
            None if self.actor.is_service() => Err(problem::invalid_content(
                "request.owner-missing",
                "ownerId",
                "a service has to name the owner of what it creates",
            )),
            None => Ok(self.actor.id),
        }
    }
}
