//! The commands of a mutation: only so many, each under a name of its own.

use std::collections::HashSet;

use async_graphql::Pos;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet};

use super::Refusal;
use crate::error::{ErrorCode, QueryError};

/// Refuses a mutation with more commands than allowed, or with two of one name. Must come after the limit of fields, which bounds what
/// fragments expand to.
pub(super) fn check(
    operation: &OperationDefinition,
    document: &ExecutableDocument,
    limit: usize,
) -> Result<(), Refusal> {
    let mut commands = Vec::new();
    collect(&operation.selection_set.node, document, &mut commands);
    if commands.len() > limit {
        let (code, what) = (ErrorCode::LimitMutations, "the number of commands in a mutation");
        return Err(QueryError::Limit { code, what, limit }.into());
    }
    let mut names = HashSet::new();
    for (name, at) in commands {
        // The specification makes one field of two with one name. The engine runs both, and a command without a client's id would
        // happen twice.
        if !names.insert(name) {
            let error = QueryError::ValidationFailed(format!(
                "two commands are called \"{name}\": give each a name of its own"
            ));
            return Err(Refusal { error, at: Some(at) });
        }
    }
    Ok(())
}

fn collect<'d>(set: &'d SelectionSet, document: &'d ExecutableDocument, commands: &mut Vec<(&'d str, Pos)>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                if !field.node.name.node.starts_with("__") {
                    commands.push((field.node.response_key().node.as_str(), field.pos));
                }
            }
            Selection::InlineFragment(fragment) => collect(&fragment.node.selection_set.node, document, commands),
            Selection::FragmentSpread(spread) => {
                // An unknown fragment is refused by validation.
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect(&fragment.node.selection_set.node, document, commands);
                }
            }
        }
    }
}
