//! Enums of the schema and their spelling in read models and commands: `BUG_FIX` here, `bug-fix` there.

use async_graphql::Enum;
use serde::{Serialize, Serializer};

use crate::error::QueryError;

macro_rules! stored_enum {
    ($(#[$documentation:meta])* $name:ident { $($(#[$variant_documentation:meta])* $variant:ident = $stored:literal,)+ }) => {
        $(#[$documentation])*
        #[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$variant_documentation])* $variant,)+
        }

        /// As the command API reads it.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.stored())
            }
        }

        impl $name {
            /// Every value as it is stored.
            #[cfg(test)]
            #[allow(dead_code, reason = "some spellings belong to the read models alone")]
            const STORED: &'static [&'static str] = &[$($stored),+];

            /// The spelling in the read models.
            pub(crate) const fn stored(self) -> &'static str {
                match self {
                    $(Self::$variant => $stored,)+
                }
            }

            /// Reads the spelling of the read models.
            pub(crate) fn from_stored(text: &str) -> Result<Self, QueryError> {
                match text {
                    $($stored => Ok(Self::$variant),)+
                    _ => Err(QueryError::unknown_stored(stringify!($name), text)),
                }
            }
        }
    };
}

stored_enum! {
    /// What sort of work a task is.
    TaskType {
        /// Something is broken.
        BugFix = "bug-fix",
        /// Something new.
        Feature = "feature",
        /// The same behaviour in a better shape.
        Refactor = "refactor",
        /// Words.
        Documentation = "documentation",
        /// Tests.
        Test = "test",
        /// Builds, releases, infrastructure.
        Deployment = "deployment",
        /// The classifier could not tell.
        Unsure = "unsure",
    }
}

stored_enum! {
    /// How big a task is.
    Complexity {
        /// One sitting.
        Simple = "simple",
        /// Several steps.
        Medium = "medium",
        /// Several parts of the system.
        Complex = "complex",
        /// To be cut into tasks.
        Epic = "epic",
    }
}

stored_enum! {
    /// Where a task stands.
    TaskStatus {
        /// Created.
        Pending = "pending",
        /// Its classification was asked for or given; not started yet.
        Classifying = "classifying",
        /// An execution is running.
        InProgress = "in-progress",
        /// The last execution succeeded.
        Completed = "completed",
        /// The last execution, or the classification, failed.
        Failed = "failed",
        /// A person stopped it.
        Cancelled = "cancelled",
        /// Removed by a person. Only roles that read all history see it, and lists only when they filter for it.
        Deleted = "deleted",
    }
}

stored_enum! {
    /// Where a conversation stands.
    ConversationStatus {
        /// Takes messages.
        Active = "active",
        /// Put away; can be reopened.
        Archived = "archived",
        /// Removed by a person. Only roles that read all history see it, and lists only when they filter for it.
        Deleted = "deleted",
    }
}

stored_enum! {
    /// How an execution goes about a task.
    Strategy {
        /// One call of a model.
        SingleShot = "single-shot",
        /// A loop of calls and checks.
        Iterative = "iterative",
        /// Several agents.
        MultiAgent = "multi-agent",
        /// It happened elsewhere; history brought in by an import.
        Imported = "imported",
    }
}

stored_enum! {
    /// Where an execution stands.
    ExecutionStatus {
        /// It works.
        Running = "running",
        /// It succeeded.
        Completed = "completed",
        /// It failed.
        Failed = "failed",
        /// The task was cancelled under it.
        Cancelled = "cancelled",
    }
}

stored_enum! {
    /// Who speaks in a message.
    MessageRole {
        /// A person.
        User = "user",
        /// The agent.
        Assistant = "assistant",
        /// The platform.
        System = "system",
    }
}

stored_enum! {
    /// How grave a log line is.
    LogLevel {
        /// For the curious.
        Debug = "debug",
        /// Normal.
        Info = "info",
        /// Look at it.
        Warn = "warn",
        /// It went wrong.
        Error = "error",
    }
}

stored_enum! {
    /// The role in which somebody acted.
    ActorRole {
        /// A person on own conversations and tasks.
        User = "user",
        /// Reads all history.
        Analyst = "analyst",
        /// Everything.
        Admin = "admin",
        /// A worker or an importer.
        Service = "service",
    }
}

stored_enum! {
    /// What an activity is about.
    SubjectKind {
        /// A conversation.
        Conversation = "conversation",
        /// A task.
        Task = "task",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn stored_spellings_are_those_of_the_domain() {
        for stored in TaskType::STORED {
            assert_eq!(stored.parse::<domain::task::TaskType>().unwrap().as_str(), *stored);
        }
        for stored in Complexity::STORED {
            assert_eq!(stored.parse::<domain::task::Complexity>().unwrap().as_str(), *stored);
        }
        for stored in TaskStatus::STORED {
            assert_eq!(stored.parse::<domain::task::TaskStatus>().unwrap().as_str(), *stored);
        }
        for stored in Strategy::STORED {
            assert_eq!(stored.parse::<domain::task::Strategy>().unwrap().as_str(), *stored);
        }
        for stored in MessageRole::STORED {
            assert_eq!(
                stored.parse::<domain::conversation::MessageRole>().unwrap().as_str(),
                *stored
            );
        }
        for stored in LogLevel::STORED {
            assert_eq!(stored.parse::<domain::task::LogLevel>().unwrap().as_str(), *stored);
        }
        for stored in ActorRole::STORED {
            assert_eq!(stored.parse::<domain::Role>().unwrap().as_str(), *stored);
        }
    }

    #[test]
    fn every_stored_spelling_is_read_back() {
        for stored in TaskType::STORED {
            assert_eq!(TaskType::from_stored(stored).unwrap().stored(), *stored);
        }
        assert!(TaskType::from_stored("BUG_FIX").is_err());
    }
}
