//! Which documents may run, and what a hash stands for.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::manifest::{self, ManifestError};
use crate::error::QueryError;
use crate::metrics;

/// What becomes of documents that are not on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrustedDocumentsMode {
    /// They run.
    #[default]
    Open,
    /// They run, and are logged and counted: what would break when the next mode is chosen.
    LogUnknown,
    /// They are refused.
    Enforce,
}

/// How a client names the document that is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentSource {
    /// By its text.
    Text(String),
    /// By its hash (64 hexadecimal digits).
    Hash(String),
    /// By both, which must fit each other.
    Both {
        /// The text.
        text: String,
        /// What is said to be its hash.
        hash: String,
    },
}

/// The list of documents that clients were built with. Nothing is ever added to it by a request.
#[derive(Debug, Default)]
pub struct TrustedDocuments {
    by_hash: BTreeMap<String, Arc<str>>,
    mode: TrustedDocumentsMode,
}

impl TrustedDocuments {
    /// The list in a file; without one it is empty.
    pub fn load(file: Option<&Path>, mode: TrustedDocumentsMode) -> Result<Self, ManifestError> {
        let read = file.map(manifest::read).transpose()?.unwrap_or_default();
        Ok(Self {
            by_hash: read.into_iter().map(|(hash, text)| (hash, text.into())).collect(),
            mode,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// The text that is to run, and whether it is on the list.
    pub fn resolve(&self, source: DocumentSource) -> Result<(Arc<str>, bool), QueryError> {
        let text = match source {
            DocumentSource::Hash(hash) => {
                let known = self.by_hash.get(&hash).cloned();
                return known.map(|text| (text, true)).ok_or(QueryError::DocumentUnknown);
            }
            DocumentSource::Text(text) => text,
            DocumentSource::Both { text, hash } if manifest::hash_of(&text) == hash => text,
            DocumentSource::Both { .. } => return Err(QueryError::DocumentHashWrong),
        };
        // Where everything may run, a hash for each request would be wasted.
        if self.mode == TrustedDocumentsMode::Open {
            return Ok((text.into(), false));
        }
        let hash = manifest::hash_of(&text);
        if let Some(known) = self.by_hash.get(&hash) {
            return Ok((Arc::clone(known), true));
        }
        if self.mode == TrustedDocumentsMode::Enforce {
            return Err(QueryError::DocumentNotTrusted);
        }
        metrics::unknown_document();
        tracing::info!(hash, "a document that is not trusted was run");
        Ok((text.into(), false))
    }
}
