//! Who may follow a generation: only a process that would have filled it the same way.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::projector::Projector;

/// Raised when the engine folds subjects or coalesces differently than before.
pub const ENGINE_VERSION: u32 = 2;

/// The table that the engine keeps beside those of the projectors.
pub(crate) const SUBJECT_SCHEMA: &str = include_str!("../../migrations/read-models/subject.sql");

/// A projector by name and version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
}

/// The projectors with their versions, in order.
pub fn models(projectors: &[Box<dyn Projector>]) -> Vec<ModelVersion> {
    projectors
        .iter()
        .map(|projector| ModelVersion {
            name: projector.name().to_owned(),
            version: projector.version(),
        })
        .collect()
}

/// A hash of everything that decides what the rows will be: engine, projectors, tables, readable event types.
pub fn fingerprint(projectors: &[Box<dyn Projector>]) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    };
    add(&ENGINE_VERSION.to_string());
    add(SUBJECT_SCHEMA);
    for projector in projectors {
        add(projector.name());
        add(&projector.version().to_string());
        add(projector.schema());
    }
    for event_type in domain::stored::EVENT_TYPES {
        add(event_type);
    }
    let digest = hash.finalize();
    digest
        .iter()
        .take(16)
        .fold(String::new(), |text, byte| text + format!("{byte:02x}").as_str())
}
