//! The list of a client's documents, as its build writes it.
//!
//! Two forms are read: that of the client preset of GraphQL Code Generator (`{"<hash>": "<text>"}`), and that of Apollo
//! (`{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id", "body"}]}`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Largest file that is read.
const MANIFEST_MAX_BYTES: u64 = 64 * 1024 * 1024;
const APOLLO_FORMAT: &str = "apollo-persisted-query-manifest";
const APOLLO_VERSION: u32 = 1;

/// Why a list cannot be used. Nothing of it is used then.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not there, or may not be read.
    #[error("the list of trusted documents {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Larger than any list that a client's build writes.
    #[error("the list of trusted documents {} is larger than {} MiB", path.display(), MANIFEST_MAX_BYTES / 1024 / 1024)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// In neither form.
    #[error(
        "the list of trusted documents {} is neither of GraphQL Code Generator ({{\"hash\": \"text\"}}) nor of Apollo (format {APOLLO_FORMAT}, version {APOLLO_VERSION})",
        path.display()
    )]
    UnknownForm {
        /// The file.
        path: PathBuf,
        /// Where it stops being one.
        source: serde_json::Error,
    },
    /// A hash that is not that of its text.
    #[error("{} says that {id} is the hash of a document, but it is not its SHA-256; have the client's build hash with sha256", path.display())]
    WrongHash {
        /// The file.
        path: PathBuf,
        /// What it says.
        id: String,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo(ApolloManifest),
    CodeGenerator(BTreeMap<String, String>),
}

#[derive(Deserialize)]
struct ApolloManifest {
    format: String,
    version: u32,
    operations: Vec<ApolloOperation>,
}

#[derive(Deserialize)]
struct ApolloOperation {
    id: String,
    body: String,
}

/// The SHA-256 of a document's text, as 64 hexadecimal digits.
pub(super) fn hash_of(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a text cannot fail.
            let _written = write!(hex, "{byte:02x}");
            hex
        })
}

/// The texts of a file, by their hashes.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, String>, ManifestError> {
    let unreadable = |source| ManifestError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > MANIFEST_MAX_BYTES {
        return Err(ManifestError::TooLarge { path: path.to_owned() });
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let manifest = serde_json::from_slice(&bytes).map_err(|source| ManifestError::UnknownForm {
        path: path.to_owned(),
        source,
    })?;
    let documents: Vec<(String, String)> = match manifest {
        Manifest::Apollo(manifest) if manifest.format == APOLLO_FORMAT && manifest.version == APOLLO_VERSION => {
            let operations = manifest.operations.into_iter();
            operations.map(|operation| (operation.id, operation.body)).collect()
        }
        Manifest::Apollo(manifest) => {
            use serde::de::Error as _;
            let source = serde_json::Error::custom(format!("format {} version {}", manifest.format, manifest.version));
            return Err(ManifestError::UnknownForm {
                path: path.to_owned(),
                source,
            });
        }
        Manifest::CodeGenerator(documents) => documents.into_iter().collect(),
    };
    let mut read = BTreeMap::new();
    for (id, text) in documents {
        let hash = hash_of(&text);
        if !id.strip_prefix("sha256:").unwrap_or(&id).eq_ignore_ascii_case(&hash) {
            return Err(ManifestError::WrongHash {
                path: path.to_owned(),
                id,
            });
        }
        read.insert(hash, text);
    }
    Ok(read)
}
