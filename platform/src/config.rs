//! Configuration in layers: built-in defaults, a TOML file, the environment, flags. The later layer wins, key by key.
//!
//! An unknown key is an error that says where it was written, so that a misspelt setting never passes in silence;
//! that needs `#[serde(deny_unknown_fields)]` on the types that are loaded.

mod error;
mod layer;
mod secret;

use std::path::Path;

use figment::{Figment, value::Dict};
use serde::{Serialize, de::DeserializeOwned};

pub use error::ConfigError;
pub use layer::Environment;
pub use secret::Secret;

use layer::Layer;

/// Reads the layers, the weakest first, into `T`.
///
/// - `defaults_toml` is compiled into the binary and doubles as the manual.
/// - `file` must exist when it is named.
/// - `environment` gives `PREFIX` + `SECTION__KEY`, see [`Environment`].
/// - `overrides` come from flags: a dotted key and its text. A [`Secret`] is not taken from there: every user of the machine sees the
///   arguments of a process, and shells remember them.
///
/// Text of the environment and of flags is read as the type of the field that it is for (`5000`, `true`, `text`); text
/// that is a whole TOML array, inline table or quoted string is read as that.
pub fn load<T: DeserializeOwned + Serialize>(
    defaults_toml: &str,
    file: Option<&Path>,
    environment: &Environment,
    overrides: &[(String, String)],
) -> Result<T, ConfigError> {
    let mut figment = Figment::from(Layer::from_toml("the built-in defaults", defaults_toml)?);
    if let Some(path) = file {
        figment = figment.merge(Layer::from_file(path)?);
    }
    for layer in environment.layers() {
        figment = figment.merge(layer);
    }
    for (key, text) in overrides {
        figment = figment.merge(Layer::from_text(format!("flag {key}"), key, text));
    }
    // Lossy means only that text may stand for a number or a boolean, which is all that an environment can carry.
    let configuration: T = figment.extract_lossy().map_err(ConfigError::from_figment)?;
    refuse_secrets_of_flags(&configuration, overrides)?;
    Ok(configuration)
}

/// What a secret is, the configuration itself says by hiding it.
fn refuse_secrets_of_flags<T: Serialize>(configuration: &T, overrides: &[(String, String)]) -> Result<(), ConfigError> {
    if overrides.is_empty() {
        return Ok(());
    }
    let shown = toml::Value::try_from(configuration).map_err(|source| ConfigError::NotRenderable { source })?;
    for (key, _) in overrides {
        let value = key.split('.').try_fold(&shown, |value, part| value.get(part));
        if value.is_some_and(secret::is_hidden_in) {
            return Err(ConfigError::SecretInFlag { key: key.clone() });
        }
    }
    Ok(())
}

/// The configuration as TOML that [`load`] would read again, with every [`Secret`] shown as `***`.
pub fn render<T: Serialize>(configuration: &T) -> Result<String, ConfigError> {
    toml::to_string_pretty(configuration).map_err(|source| ConfigError::NotRenderable { source })
}

/// Puts `value` at a dotted key.
fn insert(values: &mut Dict, dotted_key: &str, value: figment::value::Value) {
    match dotted_key.split_once('.') {
        None => {
            values.insert(dotted_key.to_owned(), value);
        }
        Some((section, rest)) => {
            let mut inner = Dict::new();
            insert(&mut inner, rest, value);
            values.insert(section.to_owned(), inner.into());
        }
    }
}
