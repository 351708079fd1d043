//! Who gives a command.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::UserId;

/// What a token allows. The order of the variants means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Own conversations and tasks.
    User,
    /// Reads all history; commands nothing.
    Analyst,
    /// Everything.
    Admin,
    /// A worker or an importer.
    Service,
}

impl Role {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of user, analyst, admin, service")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "user" => Ok(Self::User),
            "analyst" => Ok(Self::Analyst),
            "admin" => Ok(Self::Admin),
            "service" => Ok(Self::Service),
            _ => Err(UnknownRole),
        }
    }
}

/// The principal of a command, with the role it acts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Actor {
    /// The principal.
    pub id: UserId,
    /// The role.
    pub role: Role,
}

impl Actor {
    /// May this actor change what `owner` owns: the owner as a user, or an admin.
    pub fn is_owner_or_admin(&self, owner: UserId) -> bool {
        self.role == Role::Admin || (self.role == Role::User && self.id == owner)
    }

    /// Is this a worker or an importer?
    pub fn is_service(&self) -> bool {
        self.role == Role::Service
    }
}
