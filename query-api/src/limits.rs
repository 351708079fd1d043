//! Limits that hold before a query is validated, so that no document can cost more than its size.
//!
//! Validation itself walks fragments once for every place they are spread in, so the expanded size is computed first, here,
//! visiting each fragment once.

mod document;
mod lexical;
mod mutations;
mod standing;

pub use document::Measured;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{Pos, Variables};

use crate::error::{ErrorCode, QueryError};
use crate::options::QueryApiOptions;

/// A document that passed the limits; the same for everybody who sends it.
#[derive(Debug)]
pub struct CheckedDocument {
    /// As parsed.
    pub document: ExecutableDocument,
    /// Does it read rows, or only the schema?
    pub reads_rows: bool,
    /// Does it read the journal, which must then reach as far as the rows?
    pub reads_journal: bool,
}

impl CheckedDocument {
    /// What kind of operation will run; none when the name does not choose one, which validation refuses.
    pub fn kind(&self, operation_name: Option<&str>) -> Option<OperationType> {
        Some(selected(&self.document, operation_name)?.ty)
    }

    /// Checks that a mutation gives no more commands than allowed, and none of them twice.
    pub fn check_mutations(&self, operation_name: Option<&str>, max_mutations: usize) -> Result<(), Refusal> {
        selected(&self.document, operation_name).map_or(Ok(()), |operation| {
            mutations::check(operation, &self.document, max_mutations)
        })
    }

    /// Is a field at the top of the operation marked `@live`?
    pub fn is_live(&self, operation_name: Option<&str>) -> bool {
        selected(&self.document, operation_name).is_some_and(|operation| {
            let top = &operation.selection_set.node.items;
            top.iter().any(|selection| standing::is_live(&selection.node))
        })
    }

    /// The subscription that was chosen, alone and as a query of what can be subscribed to. It has one field, by the specification.
    pub fn as_query_of_subscriptions(&self, operation_name: Option<&str>) -> Result<ExecutableDocument, Refusal> {
        let operation = self
            .document
            .operations
            .iter()
            .find(|(name, _)| operation_name.is_none_or(|wanted| name.is_some_and(|name| name == wanted)))
            .map(|(_, operation)| operation);
        let Some(operation) = operation else {
            return Err(QueryError::ValidationFailed("there is no such operation".to_owned()).into());
        };
        standing::as_query(&self.document, operation)
    }

    /// Checks that variables without a default have a value: the engine looks at a variable only where it is used.
    pub fn check_variables(&self, operation_name: Option<&str>, variables: &Variables) -> Result<(), Refusal> {
        selected(&self.document, operation_name).map_or(Ok(()), |operation| check_variables(operation, variables))
    }
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

/// Parses a document and applies the limits.
pub fn check(query: &str, options: &QueryApiOptions) -> Result<CheckedDocument, Refusal> {
    lexical::check(query, options.max_tokens)?;
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
        (
            measured.root_fields,
            options.max_root_fields,
            ErrorCode::LimitRootFields,
            "the number of root fields",
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
