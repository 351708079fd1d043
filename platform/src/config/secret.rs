//! A value that never shows itself.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const HIDDEN: &str = "***";

/// A setting that must not reach a log, an error or `coding-agent config`: printing or serializing it gives `***`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

/// Does this part of a shown configuration hide a secret?
pub(super) fn is_hidden_in(shown: &toml::Value) -> bool {
    match shown {
        toml::Value::String(text) => text == HIDDEN,
        toml::Value::Array(values) => values.iter().any(is_hidden_in),
        toml::Value::Table(values) => values.values().any(is_hidden_in),
        _ => false,
    }
}

impl<T> Secret<T> {
    /// Hides `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, at the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HIDDEN)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HIDDEN)
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error of the value would quote it.
        T::deserialize(deserializer)
            .map(Self)
            .map_err(|_| D::Error::custom("the secret has the wrong type"))
    }
}
