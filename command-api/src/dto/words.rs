//! Enums as strings on the wire, so that an unknown word is refused with the list of the known ones.

use domain::conversation::MessageRole;
use domain::task::{Complexity, LogLevel, Strategy, TaskType};
use serde::Deserialize;
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$documentation:meta])* $name:ident of $domain:ident { $($variant:ident),+ $(,)? }) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub(crate) enum $name {
            $(#[allow(missing_docs)] $variant,)+
        }

        impl From<$name> for $domain {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$variant => Self::$variant,)+
                }
            }
        }
    };
}

words! {
    /// Who speaks.
    MessageRoleWord of MessageRole { User, Assistant, System }
}
words! {
    /// What sort of work it is.
    TaskTypeWord of TaskType { BugFix, Feature, Refactor, Documentation, Test, Deployment, Unsure }
}
words! {
    /// How big it is.
    ComplexityWord of Complexity { Simple, Medium, Complex, Epic }
}
words! {
    /// How an execution goes about a task; `imported` is for imports only.
    StrategyWord of Strategy { SingleShot, Iterative, MultiAgent, Imported }
}
words! {
    /// How grave a log line is.
    LogLevelWord of LogLevel { Debug, Info, Warn, Error }
}
