//! Who looks, and therefore which rows exist for them.

use domain::{Role, UserId};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

/// The principal of a request. Every statement of this crate takes its owner rule from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// The principal.
    pub id: UserId,
    /// The role of its token.
    pub role: Role,
}

impl Viewer {
    /// The owner whose rows alone this viewer sees; `None` for roles that read all history.
    pub fn only_owner(&self) -> Option<Uuid> {
        match self.role {
            Role::User => Some(self.id.as_uuid()),
            Role::Analyst | Role::Admin | Role::Service => None,
        }
    }

    /// May this viewer see how the projections stand?
    pub fn sees_projections(&self) -> bool {
        self.role == Role::Admin
    }

    /// May this viewer ask generations of time travel? Those who look at the history for their work; the owner rules hold there too.
    pub fn travels(&self) -> bool {
        matches!(self.role, Role::Analyst | Role::Admin)
    }

    /// Adds the owner rule to a statement whose WHERE has begun.
    pub(crate) fn push_owner_rule(&self, sql: &mut QueryBuilder<Postgres>, owner_column: &str) {
        if let Some(owner) = self.only_owner() {
            sql.push(" AND ").push(owner_column).push(" = ").push_bind(owner);
        }
    }

    /// Adds the rule of single rows: deleted ones exist only for roles that read all history.
    pub(crate) fn push_row_rule(&self, sql: &mut QueryBuilder<Postgres>, owner_column: &str, status_column: &str) {
        self.push_owner_rule(sql, owner_column);
        if self.only_owner().is_some() {
            sql.push(" AND ").push(status_column).push(" <> 'deleted'");
        }
    }
}
