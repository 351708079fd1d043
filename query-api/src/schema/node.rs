//! `node(id)`: any object by its id.
//!
//! The `id` of every object is its plain UUID, the same as in the command API. `node` takes that UUID and tries the types one after
//! the other, or the opaque form (base64 of `Task:<uuid>`), which names the type.

use async_graphql::{Context, ID, Interface, Object};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::conversation::{self, Conversation};
use super::execution::{self, Execution};
use super::message::{self, Message};
use super::task::{self, Task};
use crate::error::QueryError;

/// Objects by id.
#[derive(Default)]
pub(crate) struct NodeQueries;

/// Objects by id.
#[Object]
impl NodeQueries {
    /// A conversation, task, message or execution; null when there is none that the viewer may see. Takes its UUID, or the base64 of
    /// its type and UUID (`Task:<uuid>`).
    #[graphql(complexity = "4 + child_complexity")]
    async fn node(&self, context: &Context<'_>, id: ID) -> Result<Option<Node>, QueryError> {
        let (only, id) = read_id(&id)?;
        for kind in NodeKind::ALL {
            if only.is_none_or(|only| only == kind)
                && let Some(node) = kind.load(context, id).await?
            {
                return Ok(Some(node));
            }
        }
        Ok(None)
    }
}

/// Anything with an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "A UUID."))]
pub(crate) enum Node {
    /// A conversation.
    Conversation(Conversation),
    /// A task.
    Task(Task),
    /// A message.
    Message(Message),
    /// An execution.
    Execution(Execution),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NodeKind {
    Conversation,
    Task,
    Message,
    Execution,
}

impl NodeKind {
    const ALL: [Self; 4] = [Self::Conversation, Self::Task, Self::Message, Self::Execution];

    fn of_name(name: &str) -> Option<Self> {
        match name {
            "Conversation" => Some(Self::Conversation),
            "Task" => Some(Self::Task),
            "Message" => Some(Self::Message),
            "Execution" => Some(Self::Execution),
            _ => None,
        }
    }

    async fn load(self, context: &Context<'_>, id: Uuid) -> Result<Option<Node>, QueryError> {
        Ok(match self {
            Self::Conversation => conversation::load(context, id).await?.map(Node::Conversation),
            Self::Task => task::load(context, id).await?.map(Node::Task),
            Self::Message => message::load(context, id).await?.map(Node::Message),
            Self::Execution => execution::load(context, id).await?.map(Node::Execution),
        })
    }
}

/// Longest global id in bytes that is looked at.
const ID_MAX_BYTES: usize = 200;

/// A plain UUID, or base64 of `Type:uuid` in any of its usual spellings.
fn read_id(id: &str) -> Result<(Option<NodeKind>, Uuid), QueryError> {
    if let Ok(uuid) = Uuid::parse_str(id) {
        return Ok((None, uuid));
    }
    let opaque = || {
        if id.len() > ID_MAX_BYTES {
            return None;
        }
        let decoded = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
            .into_iter()
            .find_map(|engine| engine.decode(id).ok())?;
        let text = String::from_utf8(decoded).ok()?;
        let (name, uuid) = text.split_once(':')?;
        Some((Some(NodeKind::of_name(name)?), Uuid::parse_str(uuid).ok()?))
    };
    opaque().ok_or(QueryError::InvalidArgument {
        argument: "id",
        reason: "is not the id of an object",
    })
}
