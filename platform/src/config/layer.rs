//! One source of settings, which knows its own name for error messages.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::{ConfigError, insert};

/// A configuration is a page of text; a bigger file is some other file named by mistake.
const LARGEST_FILE_BYTES: u64 = 1024 * 1024;

/// The settings of one source. A single environment variable or flag is a layer of its own: then an error can name it.
pub(super) struct Layer {
    origin: String,
    values: Dict,
}

impl Layer {
    pub(super) fn from_toml(origin: &str, text: &str) -> Result<Self, ConfigError> {
        let values = toml::from_str(text).map_err(|error| ConfigError::NotToml {
            origin: origin.to_owned(),
            line: error.span().map_or(0, |span| line_of(text, span.start)),
            // Not the error itself: it quotes the line, and the line may hold a secret.
            reason: error.message().to_owned(),
        })?;
        Ok(Self {
            origin: origin.to_owned(),
            values,
        })
    }

    pub(super) fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut text = String::new();
        File::open(path)
            .map_err(unreadable)?
            .take(LARGEST_FILE_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        if text.len() as u64 > LARGEST_FILE_BYTES {
            return Err(ConfigError::TooLarge {
                path: path.to_owned(),
                limit: LARGEST_FILE_BYTES,
            });
        }
        Self::from_toml(&format!("file {}", path.display()), &text)
    }

    pub(super) fn from_text(origin: String, dotted_key: &str, text: &str) -> Self {
        let mut values = Dict::new();
        insert(&mut values, dotted_key, value_of(text));
        Self { origin, values }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// The environment variables that start with a prefix; `__` separates section and key, and case does not matter.
///
/// `CODING_AGENT__HTTP__LISTEN=127.0.0.1:5000` sets `http.listen`.
#[derive(Clone, Debug)]
pub struct Environment {
    prefix: String,
    // Never printed by `Debug` as values: a variable may hold a secret.
    variables: Vec<(String, super::Secret<String>)>,
}

impl Environment {
    /// The variables of this process. A variable with the prefix whose value is not Unicode is an error.
    pub fn of_process(prefix: &str) -> Result<Self, ConfigError> {
        let mut pairs = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(prefix)) else {
                continue;
            };
            let Some(value) = value.to_str() else {
                return Err(ConfigError::NotUnicode {
                    variable: name.to_owned(),
                });
            };
            pairs.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self::from_pairs(prefix, pairs))
    }

    /// Given variables in place of those of the process.
    pub fn from_pairs(prefix: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut variables: Vec<_> = pairs
            .into_iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name, super::Secret::new(value)))
            .collect();
        // The process gives them in no order; of two that differ only in case the same one must always win.
        variables.sort_by(|left, right| left.0.cmp(&right.0));
        Self {
            prefix: prefix.to_owned(),
            variables,
        }
    }

    pub(super) fn layers(&self) -> impl Iterator<Item = Layer> {
        self.variables.iter().map(|(name, value)| {
            let key = name[self.prefix.len()..].replace("__", ".").to_ascii_lowercase();
            Layer::from_text(format!("environment variable {name}"), &key, value.expose())
        })
    }
}

/// Plain text stays text, so that a password of digits arrives as written; the field's own type decides later.
fn value_of(text: &str) -> Value {
    if text.starts_with(['[', '{', '"', '\''])
        && let Ok(mut parsed) = toml::from_str::<Dict>(&format!("value = {text}"))
        && parsed.len() == 1
        && let Some(value) = parsed.remove("value")
    {
        return value;
    }
    Value::from(text)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
