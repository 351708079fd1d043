//! Why options are not used. No text of these errors holds a value of a property.

use std::path::PathBuf;

use rdkafka::error::KafkaError;

use super::KafkaOptions;

/// Why options are not used.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// Safety needs the property to be as it is.
    #[error("kafka.properties must not set {property}: {why}")]
    Reserved {
        /// The property.
        property: String,
        /// What it would break.
        why: &'static str,
    },
    /// A property has a value and a file.
    #[error("{property} stands in kafka.properties and in kafka.property_files; keep one of them")]
    GivenTwice {
        /// The property.
        property: String,
    },
    /// A number that makes no sense.
    #[error("{setting} must be {needed}, is {found}")]
    OutOfRange {
        /// The setting.
        setting: &'static str,
        /// What it may be.
        needed: &'static str,
        /// What it is.
        found: u64,
    },
    /// The file of a property cannot be read.
    #[error("the file {} of kafka.property_files cannot be read for {property}", path.display())]
    Unreadable {
        /// The property.
        property: String,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file of a property is no value.
    #[error("the file {} of kafka.property_files is no value for {property}: {reason}", path.display())]
    NoValue {
        /// The property.
        property: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The client library knows no such property, or not with this value.
    #[error("kafka.properties: {0}")]
    Client(String),
}

impl KafkaOptions {
    /// What the client library says of these options, without the values that it quotes.
    pub(crate) fn refused_by_client(&self, error: KafkaError) -> OptionsError {
        OptionsError::Client(match error {
            KafkaError::ClientConfig(_, _, property, _) => {
                format!("the client does not know {property}, or not with the value that it has")
            }
            KafkaError::ClientCreation(reason) => self.without_secrets(reason),
            other => self.without_secrets(other.to_string()),
        })
    }

    fn without_secrets(&self, mut text: String) -> String {
        let secrets = self
            .properties
            .iter()
            .filter(|(name, value)| is_secret(name) && !value.expose().is_empty());
        for (_, value) in secrets {
            text = text.replace(value.expose(), "***");
        }
        text
    }
}

fn is_secret(property: &str) -> bool {
    ["password", "secret", "pem", "oauthbearer", "jaas"]
        .iter()
        .any(|part| property.contains(part))
}
