//! Documents that are known: those that clients were built with, and those that were asked a moment ago.
//!
//! A client that is built against the schema knows its documents beforehand, and can hand the list in ([`TrustedDocuments`]): then it sends
//! a hash instead of the text, and a server that trusts nothing else cannot be made to run what nobody has looked at. Whatever text is run
//! is parsed and measured once while it is remembered ([`DocumentCache`]).

mod cache;
mod manifest;
mod trusted;

pub use cache::DocumentCache;
pub use manifest::ManifestError;
pub use trusted::{DocumentSource, TrustedDocuments, TrustedDocumentsMode};
