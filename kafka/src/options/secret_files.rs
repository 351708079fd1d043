//! A secret that stands in a file of its own.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use platform::config::Secret;

use super::OptionsError;

/// A key with its certificates is a few kilobytes; a bigger file is some other file named by mistake.
const LARGEST_BYTES: u64 = 256 * 1024;

/// The content without the line end that editors and `echo` put behind it.
pub(super) fn read(property: &str, path: &Path) -> Result<Secret<String>, OptionsError> {
    let unreadable = |source| OptionsError::Unreadable {
        property: property.to_owned(),
        path: path.to_owned(),
        source,
    };
    let no_value = |reason| OptionsError::NoValue {
        property: property.to_owned(),
        path: path.to_owned(),
        reason,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(unreadable)?
        .take(LARGEST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err(no_value("it is larger than 256 KiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| no_value("it is not UTF-8"))?;
    let value = text
        .strip_suffix('\n')
        .map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if value.is_empty() {
        return Err(no_value("it is empty"));
    }
    Ok(Secret::new(value.to_owned()))
}
