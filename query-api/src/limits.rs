//! Limits that hold before a query is validated, so that no document can cost more than its size.
//!
//! Validation itself walks fragments once for every place they are spread in, so the expanded size is computed first, here,
//! visiting each fragment once.

mod document;
mod nesting;

pub use document::Measured;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql::{Pos, Variables};

use crate::error::{ErrorCode, QueryError};
use crate::options::QueryApiOptions;

/// A document that passed the limits.
pub struct CheckedDocument {
    /// As parsed.
    pub document: ExecutableDocument,
    /// Does it read rows, or only the schema?
    pub reads_rows: bool,
    /// Does it read the journal, which must then reach as far as the rows?
    pub reads_journal: bool,
}

/// A refusal, and where in the document.
pub struct Refusal {
    /// Why.
    pub error: QueryError,
    /// Where, when it is one place.
    pub at: Option<Pos>,
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        Self { error, at: None }
    }
}

/// Parses a document, applies the limits, and checks that variables without a default have a value.
pub fn check(
    query: &str,
    operation_name: Option<&str>,
    variables: &Variables,
    options: &QueryApiOptions,
) -> Result<CheckedDocument, Refusal> {
    nesting::check(query)?;
    let document = parse_query(query).map_err(|error| Refusal {
        at: error.positions().next(),
        error: QueryError::ParseFailed(error.to_string()),
    })?;
    let measured = document::measure(&document)?;
    for (value, limit, code, what) in [
        (
            measured.selections,
            options.max_fields,
            ErrorCode::LimitFields,
            "the number of fields",
        ),
        (
            measured.aliases,
            options.max_aliases,
            ErrorCode::LimitAliases,
            "the number of aliases",
        ),
        (measured.depth, options.max_depth, ErrorCode::LimitDepth, "the depth"),
        (
            measured.directives,
            options.max_directives,
            ErrorCode::LimitDirectives,
            "the number of directives on a field",
        ),
        (
            measured.introspection_lists,
            MAX_INTROSPECTION_LISTS,
            ErrorCode::LimitDepth,
            "the depth of an introspection",
        ),
    ] {
        if value > limit {
            return Err(QueryError::Limit { code, what, limit }.into());
        }
    }
    if let Some(operation) = selected(&document, operation_name) {
        check_variables(operation, variables)?;
    }
    Ok(CheckedDocument {
        document,
        reads_rows: measured.reads_rows,
        reads_journal: measured.reads_journal,
    })
}

/// Lists inside lists of an introspection; the usual tools need two, and each further one multiplies the answer.
const MAX_INTROSPECTION_LISTS: usize = 2;

/// The operation that will run. An unknown name is refused later, by validation.
fn selected<'d>(document: &'d ExecutableDocument, name: Option<&str>) -> Option<&'d OperationDefinition> {
    let mut operations = document.operations.iter();
    match name {
        Some(name) => operations
            .find(|(found, _)| found.is_some_and(|found| found == name))
            .map(|found| &found.1.node),
        None => operations.next().map(|(_, operation)| &operation.node),
    }
}

/// The engine looks at a variable only where it is used; a missing one must be refused even so.
fn check_variables(operation: &OperationDefinition, variables: &Variables) -> Result<(), Refusal> {
    for definition in &operation.variable_definitions {
        let variable = &definition.node;
        let missing = variables
            .get(&variable.name.node)
            .is_none_or(|value| *value == async_graphql::Value::Null);
        let explicit_null = variables.contains_key(&variable.name.node) && missing;
        if !variable.var_type.node.nullable && missing && (variable.default_value.is_none() || explicit_null) {
            return Err(Refusal {
                error: QueryError::ValidationFailed(format!(
                    "variable \"${}\" of type \"{}\" needs a value",
                    variable.name.node, variable.var_type.node
                )),
                at: Some(definition.pos),
            });
        }
    }
    Ok(())
}
