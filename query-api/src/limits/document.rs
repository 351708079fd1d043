//! The size of a document after its fragments are expanded, without expanding them.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use crate::error::{ErrorCode, QueryError};

/// Fragments and fields inside each other while measuring; keeps our own recursion on the stack.
const MAX_RECURSION: usize = 200;

/// Fields of an introspection that answer with lists of types.
const INTROSPECTION_LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];

/// The field whose rows come from the journal, not from a generation.
const JOURNAL_FIELD: &str = "streamHistory";

/// How large a selection is after its fragments are expanded. Sums saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    /// Fields, spreads and inline fragments.
    pub selections: usize,
    /// Fields under another name.
    pub aliases: usize,
    /// Fields beside each other at the top.
    pub root_fields: usize,
    /// Fields inside fields, introspection left out.
    pub depth: usize,
    /// The most directives on one selection.
    pub directives: usize,
    /// Lists of types inside lists of types.
    pub introspection_lists: usize,
    /// Is there a field that is not introspection?
    pub reads_rows: bool,
    /// Is there a field that reads the journal?
    pub reads_journal: bool,
}

impl Measured {
    fn beside(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
            root_fields: self.root_fields.saturating_add(other.root_fields),
            depth: self.depth.max(other.depth),
            directives: self.directives.max(other.directives),
            introspection_lists: self.introspection_lists.max(other.introspection_lists),
            reads_rows: self.reads_rows || other.reads_rows,
            reads_journal: self.reads_journal || other.reads_journal,
        }
    }
}

/// Measures all operations of a document together.
pub(super) fn measure(document: &ExecutableDocument) -> Result<Measured, QueryError> {
    let mut measure = Measure {
        document,
        fragments: HashMap::new(),
    };
    // Fragments that nobody spreads are walked by validation as well.
    for name in document.fragments.keys() {
        measure.fragment(name.as_str(), 0)?;
    }
    let mut total = Measured::default();
    let mut root_fields = 0;
    for (_, operation) in document.operations.iter() {
        let directives = operation.node.directives.len();
        let measured = measure.selection_set(&operation.node.selection_set.node, 0)?;
        // One operation runs.
        root_fields = root_fields.max(measured.root_fields);
        total = total.beside(measured).beside(Measured {
            directives,
            ..Measured::default()
        });
    }
    Ok(Measured { root_fields, ..total })
}

struct Measure<'d> {
    document: &'d ExecutableDocument,
    /// `None` while it is being measured: met again, it contains itself.
    fragments: HashMap<&'d str, Option<Measured>>,
}

impl<'d> Measure<'d> {
    fn selection_set(&mut self, set: &'d SelectionSet, level: usize) -> Result<Measured, QueryError> {
        if level > MAX_RECURSION {
            let (code, what) = (ErrorCode::LimitDepth, "the nesting of fragments");
            return Err(QueryError::Limit {
                code,
                what,
                limit: MAX_RECURSION,
            });
        }
        let mut total = Measured::default();
        for selection in &set.items {
            let directives = selection.node.directives().len();
            let inside = match &selection.node {
                Selection::Field(field) => {
                    let inside = self.selection_set(&field.node.selection_set.node, level + 1)?;
                    of_field(field.node.name.node.as_str(), field.node.alias.is_some(), &inside)
                }
                Selection::InlineFragment(fragment) => {
                    self.selection_set(&fragment.node.selection_set.node, level + 1)?
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, level + 1)?,
            };
            total = total.beside(inside).beside(Measured {
                selections: 1,
                directives,
                ..Measured::default()
            });
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &str, level: usize) -> Result<Measured, QueryError> {
        // An unknown fragment is refused by validation.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Measured::default());
        };
        match self.fragments.get(name.as_str()) {
            Some(Some(measured)) => return Ok(*measured),
            Some(None) => {
                return Err(QueryError::ValidationFailed(format!(
                    "fragment \"{name}\" contains itself"
                )));
            }
            None => {}
        }
        self.fragments.insert(name.as_str(), None);
        let measured = self.selection_set(&fragment.node.selection_set.node, level)?;
        self.fragments.insert(name.as_str(), Some(measured));
        Ok(measured)
    }
}

fn of_field(name: &str, renamed: bool, inside: &Measured) -> Measured {
    let aliases = inside.aliases.saturating_add(usize::from(renamed));
    if name.starts_with("__") {
        return Measured {
            aliases,
            root_fields: 1,
            depth: 0,
            reads_rows: false,
            ..*inside
        };
    }
    let list = usize::from(INTROSPECTION_LISTS.contains(&name));
    Measured {
        aliases,
        root_fields: 1,
        depth: inside.depth + 1,
        introspection_lists: inside.introspection_lists + list,
        reads_rows: true,
        reads_journal: inside.reads_journal || name == JOURNAL_FIELD,
        ..*inside
    }
}
