//! The answers of a bulk request, written one after the other into one buffer.

use bytes::Bytes;
use platform::problem::Problem;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::pending::{About, Pending};
use crate::api::CommandApi;
use crate::handling::{Answer, Effect};
use crate::reply::Reply;

/// The answer to one line. A refused command has the members of a problem (`code`, `detail`, ...) in place of `id`,
/// `revision` and `position`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BulkAnswer<'a> {
    /// The number of the line, from 1.
    line: u64,
    /// As an HTTP status.
    status: u16,
    #[serde(flatten)]
    reply: Reply,
    /// An earlier attempt with this command id had done it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
    /// The command id, when it was made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<&'a str>,
}

#[derive(Default)]
pub(super) struct AnswerWriter {
    buffer: Vec<u8>,
}

impl AnswerWriter {
    /// Writes the answer of a line.
    pub(super) fn write(&mut self, api: &CommandApi, pending: &Pending, answered: Result<Answer, Problem>) {
        match (answered, &pending.about) {
            (Ok(answer), Some(about)) => self.write_taken(api, pending.line, about, &answer),
            (Err(problem), about) => {
                let made = about.as_ref().and_then(|about| about.made_command_id.as_ref());
                self.write_problem(pending.line, &problem, made.map(domain::CommandId::as_str));
            }
            (Ok(_), None) => {}
        }
        self.buffer.push(b'\n');
    }

    fn write_taken(&mut self, api: &CommandApi, line: u64, about: &About, answer: &Answer) {
        self.write_json(&BulkAnswer {
            line,
            status: about.subject.status(answer).as_u16(),
            reply: about.subject.reply(api, answer, None),
            repeated: answer.effect == Effect::AlreadyDone,
            command_id: about.made_command_id.as_ref().map(domain::CommandId::as_str),
        });
    }

    /// Writes the answer of a line whose command was not taken.
    pub(super) fn write_problem(&mut self, line: u64, problem: &Problem, made_command_id: Option<&str>) {
        let mut members = problem.to_json();
        if let Value::Object(members) = &mut members {
            // A line has one line: where its JSON breaks is told by the column.
            members.insert("line".to_owned(), line.into());
            if let Some(command_id) = made_command_id {
                members.insert("commandId".to_owned(), command_id.into());
            }
        }
        self.write_json(&members);
    }

    fn write_json(&mut self, value: &impl Serialize) {
        // Writing plain values to a vector cannot fail.
        let _written = serde_json::to_writer(&mut self.buffer, value);
    }

    /// What was written since the last time.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        (!self.buffer.is_empty()).then(|| Bytes::from(std::mem::take(&mut self.buffer)))
    }
}
