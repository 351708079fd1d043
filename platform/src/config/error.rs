//! Why a configuration was not accepted, in words that lead to the place to mend.

use std::path::PathBuf;

use figment::error::Kind;

/// Why a configuration was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The named file could not be read.
    #[error("configuration file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The named file is too big to be a configuration.
    #[error("configuration file {} is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest size in bytes.
        limit: u64,
    },
    /// A layer is not TOML.
    #[error("line {line} of {origin} is not TOML: {reason}")]
    NotToml {
        /// The layer.
        origin: String,
        /// The line, from 1; 0 when it is not known.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An environment variable with our prefix is not Unicode.
    #[error("environment variable {variable} is not Unicode")]
    NotUnicode {
        /// Its name.
        variable: String,
    },
    /// A key that no setting has.
    #[error("unknown key {key} in {origin} (known here: {known})")]
    UnknownKey {
        /// The dotted key.
        key: String,
        /// The layer that names it.
        origin: String,
        /// The keys that exist beside it.
        known: String,
    },
    /// A key that needs a value and has none in any layer.
    #[error("key {key} has no value")]
    MissingKey {
        /// The dotted key.
        key: String,
    },
    /// A value that does not fit its key.
    #[error("key {key} in {origin}: {reason}")]
    InvalidValue {
        /// The dotted key.
        key: String,
        /// The layer that gives the value.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A secret was given as a flag.
    #[error(
        "key {key} is a secret and cannot be a flag, which everybody on the machine can read; use a file or the environment"
    )]
    SecretInFlag {
        /// The dotted key.
        key: String,
    },
    /// The configuration has a value that TOML cannot hold.
    #[error("configuration cannot be written as TOML")]
    NotRenderable {
        /// What the writer said.
        source: toml::ser::Error,
    },
}

impl ConfigError {
    pub(super) fn from_figment(error: figment::Error) -> Self {
        let origin = error
            .metadata
            .as_ref()
            .map_or("no layer", |metadata| &metadata.name)
            .to_owned();
        let key = error.path.join(".");
        match error.kind {
            Kind::UnknownField(name, known) => {
                let key = if key.is_empty() { name } else { key };
                Self::UnknownKey {
                    key,
                    origin,
                    known: known.join(", "),
                }
            }
            Kind::MissingField(name) => {
                let key = if key.is_empty() {
                    name.into_owned()
                } else {
                    format!("{key}.{name}")
                };
                Self::MissingKey { key }
            }
            kind => Self::InvalidValue {
                key,
                origin,
                reason: kind.to_string(),
            },
        }
    }
}
