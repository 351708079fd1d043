//! What answers queries beside ours: packages that are fetched once.

use std::process::Command;

use anyhow::Result;

use crate::services::node::{Node, POSTGRAPHILE};

/// Fetches PostGraphile, when queries are to be measured.
pub(super) fn fetch(arguments: &[String]) -> Result<Option<Node>> {
    let wanted = arguments.iter().any(|argument| argument == "graphql");
    wanted.then(|| Node::fetch(&POSTGRAPHILE)).transpose()
}

/// Tells a command where it is.
pub(super) fn describe_to(command: &mut Command, postgraphile: &Node) {
    command.env(POSTGRAPHILE.variable(), postgraphile.directory());
}
