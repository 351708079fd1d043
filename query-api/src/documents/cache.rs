//! Documents that were asked a moment ago, parsed and measured.

use std::sync::Arc;

use moka::sync::Cache;

use crate::limits::{self, CheckedDocument, Refusal};
use crate::options::QueryApiOptions;

/// A parsed document takes so many bytes for each byte of its text, roughly.
const BYTES_FOR_A_BYTE: usize = 20;
/// What an entry takes besides.
const OVERHEAD_BYTES: usize = 1_000;

/// By text. What is refused is not kept: whoever sends rubbish must not push out what others use.
#[derive(Debug, Clone)]
pub struct DocumentCache {
    documents: Cache<Arc<str>, Arc<CheckedDocument>>,
}

impl DocumentCache {
    /// An empty one that takes at most so many bytes, roughly.
    pub fn new(max_bytes: u64) -> Self {
        let weigh = |text: &Arc<str>, _: &Arc<CheckedDocument>| {
            let bytes = text
                .len()
                .saturating_mul(BYTES_FOR_A_BYTE)
                .saturating_add(OVERHEAD_BYTES);
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self {
            documents: Cache::builder().weigher(weigh).max_capacity(max_bytes).build(),
        }
    }

    /// The document, which is parsed only when it is not remembered.
    pub fn check(&self, text: &Arc<str>, options: &QueryApiOptions) -> Result<Arc<CheckedDocument>, Refusal> {
        if let Some(known) = self.documents.get(text) {
            return Ok(known);
        }
        let checked = Arc::new(limits::check(text, options)?);
        self.documents.insert(Arc::clone(text), Arc::clone(&checked));
        Ok(checked)
    }
}
