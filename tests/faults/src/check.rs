//! What must hold after everything: the clients' log against the journal, the journal against the log, the read models against the
//! journal.
//!
//! It is small on purpose and shares no code with the product's own checker, which is run beside it.

mod journal;
mod product;
mod promises;
mod topic;

use anyhow::Result;
use serde::Serialize;
use uuid::Uuid;

use crate::attempt::Attempt;
use crate::cluster::Cluster;

pub use product::ProductCheck;
pub use promises::{promises, quota_command};

/// So many violations of one sort are quoted; all are counted.
const QUOTED: usize = 10;

/// One claim, looked at.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// A sentence.
    pub claim: String,
    /// How many things it was looked at for.
    pub items: u64,
    /// For how many it does not hold.
    pub violations: u64,
    /// The first of them.
    pub quoted: Vec<String>,
}

impl Check {
    /// Nothing was looked at yet.
    pub fn new(claim: &str) -> Self {
        Self {
            claim: claim.to_owned(),
            items: 0,
            violations: 0,
            quoted: Vec::new(),
        }
    }

    /// Looks at one thing; `violation` is asked for when it does not hold.
    pub fn look(&mut self, holds: bool, violation: impl FnOnce() -> String) {
        self.items += 1;
        if holds {
            return;
        }
        self.violations += 1;
        if self.quoted.len() < QUOTED {
            self.quoted.push(violation());
        }
    }
}

/// An event of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournaledEvent {
    /// Its stream.
    pub stream: String,
    /// Its number there.
    pub revision: u64,
    /// Its partition of the log.
    pub partition: u32,
    /// The offset of its commit there.
    pub offset: u64,
    /// Its number in the commit.
    pub index: u64,
    /// The command that caused it, as the log names it.
    pub command: Uuid,
}

/// Looks at everything. The system must be level and at rest.
pub async fn all(cluster: &Cluster, attempts: &[Attempt]) -> Result<Vec<Check>> {
    let events = journal::events(cluster.pool()).await?;
    let mut checks = promises(attempts, &events)?;
    checks.extend(journal::checks(cluster.pool(), &events).await?);
    checks.extend(topic::checks(&cluster.bootstrap(), &events).await?);
    Ok(checks)
}

/// The product's own checker on the same logs.
pub async fn by_product(
    cluster: &Cluster,
    program: &std::path::Path,
    clients: &std::path::Path,
) -> Result<ProductCheck> {
    product::run(program, clients, &cluster.undisturbed_environment()).await
}
