//! What every command may carry besides its content.

use async_graphql::{ID, InputObject};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// What every command may carry.
#[derive(InputObject)]
pub(super) struct Envelope {
    /// The command id: 1 to 200 visible ASCII characters, another one for each command. A repetition with the same id and the same content
    /// is answered again and does nothing more; with other content it is refused. Made when left out, and told in every answer.
    pub(super) client_mutation_id: Option<String>,
    /// The `revision` that the conversation or task must have. At another one nothing happens, and the answer is a `CommandConflict`.
    pub(super) expected_revision: Option<u64>,
    /// Role service only: when it happened, in the years 1 to 9999, to the microsecond. For history that is brought in from elsewhere.
    pub(super) at: Option<DateTime<Utc>>,
    /// Role service only: where imported history came from (`git:owner/name`), 1 to 200 bytes. Marks the command as an import.
    pub(super) provenance: Option<String>,
}

/// What a command is about, and where its effect is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Conversation,
    Task,
}

/// The input of one mutation. What it serializes to is the content of the command.
pub(super) trait CommandInput: Serialize + Send + Sync {
    /// The command's name on the wire.
    const COMMAND: &'static str;
    /// What it is about.
    const SUBJECT: Subject;

    /// The conversation or task; none for one that is to be created.
    fn target(&self) -> Option<&ID>;
    /// What it carries besides its content.
    fn envelope(&self) -> &Envelope;
}

/// Names the commands of inputs; each has the fields `id` and `envelope`, which are no part of the content.
macro_rules! commands_of {
    ($subject:ident { $($input:ident = $command:literal,)+ }) => {
        $(
            impl CommandInput for $input {
                const COMMAND: &'static str = $command;
                const SUBJECT: Subject = Subject::$subject;

                fn target(&self) -> Option<&ID> {
                    Option::from(&self.id)
                }

                fn envelope(&self) -> &Envelope {
                    &self.envelope
                }
            }
        )+
    };
}

pub(super) use commands_of;
