//! What makes an operation stand.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};

use super::Refusal;
use crate::error::QueryError;

/// The directive of fields whose answer is sent again when their rows change.
const LIVE: &str = "live";

/// Is this field, or one of this fragment, marked?
pub(super) fn is_live(selection: &Selection) -> bool {
    let marked = |directives: &[Positioned<async_graphql::parser::types::Directive>]| {
        directives.iter().any(|directive| directive.node.name.node == LIVE)
    };
    match selection {
        Selection::Field(field) => marked(&field.node.directives),
        Selection::InlineFragment(fragment) => {
            let inside = &fragment.node.selection_set.node.items;
            inside.iter().any(|selection| is_live(&selection.node))
        }
        Selection::FragmentSpread(_) => false,
    }
}

/// The subscription alone, with the fragments that it spreads, as a query: the engine runs it on what can be subscribed to.
pub(super) fn as_query(
    document: &ExecutableDocument,
    operation: &Positioned<OperationDefinition>,
) -> Result<ExecutableDocument, Refusal> {
    if fields(document, &operation.node.selection_set.node) != 1 {
        let error = QueryError::ValidationFailed("a subscription has exactly one field".to_owned());
        return Err(Refusal {
            error,
            at: Some(operation.pos),
        });
    }
    let mut wanted = HashSet::new();
    spread(document, &operation.node.selection_set.node, &mut wanted);
    let fragments: HashMap<Name, _> = document
        .fragments
        .iter()
        .filter(|(name, _)| wanted.contains(*name))
        .map(|(name, fragment)| (name.clone(), fragment.clone()))
        .collect();
    let mut operation = operation.clone();
    operation.node.ty = OperationType::Query;
    Ok(ExecutableDocument {
        operations: DocumentOperations::Single(operation),
        fragments,
    })
}

/// Fields at the top, those of fragments too. The document was measured, so that fragments do not contain themselves.
fn fields(document: &ExecutableDocument, set: &SelectionSet) -> usize {
    let of = |selection: &Selection| match selection {
        Selection::Field(_) => 1,
        Selection::InlineFragment(fragment) => fields(document, &fragment.node.selection_set.node),
        Selection::FragmentSpread(spread) => document
            .fragments
            .get(&spread.node.fragment_name.node)
            .map_or(0, |fragment| fields(document, &fragment.node.selection_set.node)),
    };
    set.items.iter().map(|selection| of(&selection.node)).sum()
}

fn spread(document: &ExecutableDocument, set: &SelectionSet, wanted: &mut HashSet<Name>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => spread(document, &field.node.selection_set.node, wanted),
            Selection::InlineFragment(fragment) => spread(document, &fragment.node.selection_set.node, wanted),
            Selection::FragmentSpread(found) => {
                let name = &found.node.fragment_name.node;
                if wanted.insert(name.clone())
                    && let Some(fragment) = document.fragments.get(name)
                {
                    spread(document, &fragment.node.selection_set.node, wanted);
                }
            }
        }
    }
}
