//! A type per id, so that a task's id cannot be passed where a conversation's is wanted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID; every UUID is valid.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }
    };
}

uuid_id! {
    /// A person or service: the principal of a token, the owner of a conversation or task.
    UserId
}
uuid_id! {
    /// One conversation; the id part of its stream.
    ConversationId
}
uuid_id! {
    /// One message of a conversation.
    MessageId
}
uuid_id! {
    /// A file uploaded before the message that mentions it.
    AttachmentId
}
uuid_id! {
    /// One task; the id part of its stream.
    TaskId
}
uuid_id! {
    /// One attempt at a task.
    ExecutionId
}
uuid_id! {
    /// One event; derived from the command that caused it, so a repeated command repeats its ids.
    EventId
}

/// Longest command id in bytes; longer ones are refused at the door.
pub const COMMAND_ID_MAX_BYTES: usize = 200;

/// The name a client gives to one command, to be able to repeat it safely (HTTP `Idempotency-Key`).
///
/// It means something only together with the principal that sent it: see [`CommandId::scoped`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CommandId(String);

/// Why a text is not a command id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandIdError {
    /// Nothing was given.
    #[error("a command id must not be empty")]
    Empty,
    /// More than [`COMMAND_ID_MAX_BYTES`].
    #[error("a command id may have at most {COMMAND_ID_MAX_BYTES} bytes")]
    TooLong,
    /// Only visible ASCII is allowed, because the id travels in HTTP headers.
    #[error("a command id may hold only visible ASCII characters")]
    NotVisibleAscii,
}

impl CommandId {
    /// Checks a client's text: 1 to 200 visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, CommandIdError> {
        if text.is_empty() {
            return Err(CommandIdError::Empty);
        }
        if text.len() > COMMAND_ID_MAX_BYTES {
            return Err(CommandIdError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CommandIdError::NotVisibleAscii);
        }
        Ok(Self(text.to_owned()))
    }

    /// A command id that we made (a UUID v7 by convention).
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid.to_string())
    }

    /// The text as the client sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the log remembers: a UUID v5 of principal and command id, so that two principals
    /// may use the same text without meeting each other.
    pub fn scoped(&self, principal: UserId) -> Uuid {
        Uuid::new_v5(&principal.as_uuid(), self.0.as_bytes())
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CommandId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl EventId {
    /// The id of the event number `index` that the command `scoped` caused on `stream`.
    pub fn derived(scoped: Uuid, stream: &str, index: usize) -> Self {
        Self(Uuid::new_v5(&scoped, format!("{stream}#{index}").as_bytes()))
    }
}

/// The id of something that a command creates: the same for every repetition of the command,
/// whichever node takes it. `kind` keeps the ids of one command apart (`task`, `execution`, `message`).
pub fn created_by(scoped: Uuid, kind: &str) -> Uuid {
    Uuid::new_v5(&scoped, kind.as_bytes())
}
