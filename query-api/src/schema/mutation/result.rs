//! How a mutation ends when it ends.

use async_graphql::{Context, ID, Object, SimpleObject, Union};
use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use super::envelope::Subject;
use crate::commands::{Conflict, Refused, Taken};
use crate::error::QueryError;
use crate::execution::OperationState;
use crate::schema::conversation::{self, Conversation};
use crate::schema::task::{self, Task};
use crate::snapshot::SnapshotSource;

/// The answer to a command. Without one the mutation is null, with an error that tells the `clientMutationId` to repeat it with and in
/// `extensions.outcome` what is known: `not-applied` or `unknown`.
#[derive(Union)]
pub(crate) enum CommandResult {
    /// It was taken.
    Taken(CommandTaken),
    /// A rule forbids it.
    Refused(CommandRefused),
    /// The revision is another one.
    Conflict(CommandConflict),
}

/// The command was taken: the conversation or task is as wanted.
pub(crate) struct CommandTaken {
    client_mutation_id: String,
    subject: Subject,
    taken: Taken,
    /// Set when the snapshot of this mutation has begun.
    snapshot: OnceCell<()>,
}

impl CommandTaken {
    pub(super) fn new(client_mutation_id: String, subject: Subject, taken: Taken) -> Self {
        Self {
            client_mutation_id,
            subject,
            taken,
            snapshot: OnceCell::new(),
        }
    }

    /// Begins a snapshot that shows this command, once however many fields ask.
    async fn begin_snapshot(&self, context: &Context<'_>) -> Result<(), QueryError> {
        let source = context.data_unchecked::<SnapshotSource>();
        self.snapshot
            .get_or_try_init(|| OperationState::of(context).begin_after_commands(source))
            .await
            .copied()
    }
}

/// The command was taken: the conversation or task is as wanted.
#[Object]
impl CommandTaken {
    /// The command id: the one that was sent, or the one that was made.
    async fn client_mutation_id(&self) -> &str {
        &self.client_mutation_id
    }

    /// The conversation or task, a UUID.
    async fn id(&self) -> ID {
        self.taken.id.into()
    }

    /// Its revision after the command, for `expectedRevision` of the next. Null while it has no events.
    async fn revision(&self) -> Option<u64> {
        self.taken.revision
    }

    /// Opaque, for `extensions.after` of a query: it waits until it shows this command.
    async fn position(&self) -> String {
        self.taken.position.encode()
    }

    /// The message that was sent, a UUID.
    async fn message_id(&self) -> Option<ID> {
        self.taken.message_id.map(ID::from)
    }

    /// The execution that was started, a UUID.
    async fn execution_id(&self) -> Option<ID> {
        self.taken.execution_id.map(ID::from)
    }

    /// An earlier attempt with this command id had done it; nothing happened again.
    async fn repeated(&self) -> bool {
        self.taken.repeated
    }

    /// There was nothing to do and that is recorded: no other attempt with this command id will do anything.
    async fn is_final(&self) -> bool {
        self.taken.is_final
    }

    /// The conversation as the command left it, or as it has become since. Null for a command to a task, and when the viewer may not see it
    /// (any more). Waits for the read models as long as `extensions.withinMs` says.
    #[graphql(complexity = "1 + child_complexity")]
    async fn conversation(&self, context: &Context<'_>) -> Result<Option<Conversation>, QueryError> {
        if self.subject != Subject::Conversation {
            return Ok(None);
        }
        self.begin_snapshot(context).await?;
        conversation::load(context, self.taken.id).await
    }

    /// The task as the command left it, or as it has become since. Null for a command to a conversation, and when the viewer may not see it
    /// (any more). Waits for the read models as long as `extensions.withinMs` says.
    #[graphql(complexity = "1 + child_complexity")]
    async fn task(&self, context: &Context<'_>) -> Result<Option<Task>, QueryError> {
        if self.subject != Subject::Task {
            return Ok(None);
        }
        self.begin_snapshot(context).await?;
        task::load(context, self.taken.id).await
    }
}

/// A rule forbids the command: nothing happened, and the same command would be refused again until something changes.
#[derive(SimpleObject)]
pub(crate) struct CommandRefused {
    /// The command id: the one that was sent, or the one that was made.
    client_mutation_id: String,
    /// Stable, for programs: `task.not-editable-while-in-progress`.
    code: String,
    /// For people.
    message: String,
    /// The field of the input at fault, with a dot for a field inside (`classifier.name`).
    field: Option<String>,
    /// The limit that was passed, in the unit of the field: characters, bytes, items.
    limit: Option<u64>,
    /// When it may be tried again, where that is a time.
    retry_at: Option<DateTime<Utc>>,
    /// When it may be tried again, in seconds from now.
    retry_after_seconds: Option<u64>,
    /// The refusal is recorded: no other attempt with this command id will do anything.
    is_final: bool,
}

impl CommandRefused {
    pub(super) fn new(client_mutation_id: String, refused: Refused) -> Self {
        Self {
            client_mutation_id,
            code: refused.code,
            message: refused.message,
            field: refused.field,
            limit: refused.limit,
            retry_at: refused.retry_at,
            retry_after_seconds: refused.retry_after_seconds,
            is_final: refused.is_final,
        }
    }
}

/// The conversation or task is not at `expectedRevision`: nothing happened. Look at it again and decide again.
#[derive(SimpleObject)]
pub(crate) struct CommandConflict {
    /// The command id: the one that was sent, or the one that was made.
    client_mutation_id: String,
    /// The revision now. Null for one that has no events.
    current_revision: Option<u64>,
    /// The conflict is recorded: no other attempt with this command id will do anything.
    is_final: bool,
}

impl CommandConflict {
    pub(super) fn new(client_mutation_id: String, conflict: &Conflict) -> Self {
        Self {
            client_mutation_id,
            current_revision: conflict.current_revision,
            is_final: conflict.is_final,
        }
    }
}
