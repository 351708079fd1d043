//! Closed sets of names: every enum that appears in commands and events has one kebab-case spelling, for the log,
//! the HTTP interface and the read models alike.

use std::str::FromStr;

/// An enum whose variants have stable names.
pub trait Named: Copy + FromStr<Err = UnknownName> + 'static {
    /// Every variant, in the order of declaration.
    const ALL: &'static [Self];

    /// The stable name (`bug-fix`).
    fn name(self) -> &'static str;
}

/// The text is not one of the names. The text itself is left out: it may be long, and it is the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be one of {allowed}")]
pub struct UnknownName {
    /// What was to be named (`task type`).
    pub kind: &'static str,
    /// The names, for people.
    pub allowed: &'static str,
}

/// Gives an enum its names: `as_str`, `Display`, `FromStr` and [`Named`].
macro_rules! names {
    ($type:ident, $kind:literal, [$first:ident = $first_name:literal $(, $variant:ident = $name:literal)* $(,)?]) => {
        impl $type {
            /// The stable name, in kebab-case.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_name,
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::name::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $first_name => Ok(Self::$first),
                    $($name => Ok(Self::$variant),)*
                    _ => Err($crate::name::UnknownName {
                        kind: $kind,
                        allowed: concat!($first_name $(, ", ", $name)*),
                    }),
                }
            }
        }

        impl $crate::name::Named for $type {
            const ALL: &'static [Self] = &[Self::$first $(, Self::$variant)*];

            fn name(self) -> &'static str {
                self.as_str()
            }
        }
    };
}

pub(crate) use names;
