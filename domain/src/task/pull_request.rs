//! Where the work of a task landed.

use serde::{Deserialize, Serialize};

use super::{REPOSITORY_MAX, TaskRefusal, URL_MAX, check_text};
use crate::text::NUMBER_MAX;

/// Where the work landed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// `owner/name`.
    pub repository: String,
    /// Its number there.
    pub number: u64,
    /// A link for people.
    pub url: String,
}

impl PullRequest {
    pub(super) fn check(&self) -> Result<(), TaskRefusal> {
        check_text("repository", &self.repository, REPOSITORY_MAX)?;
        if !is_owner_and_name(&self.repository) {
            return Err(TaskRefusal::RepositoryMalformed);
        }
        if self.number == 0 {
            return Err(TaskRefusal::PullRequestNumberZero);
        }
        if self.number > NUMBER_MAX {
            return Err(TaskRefusal::NumberTooLarge { field: "number" });
        }
        check_text("url", &self.url, URL_MAX)?;
        if !is_web_address(&self.url) {
            return Err(TaskRefusal::UrlMalformed);
        }
        Ok(())
    }
}

fn is_owner_and_name(repository: &str) -> bool {
    repository
        .split_once('/')
        .is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

fn is_name(part: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !part.is_empty() && part != "." && part != ".." && part.bytes().all(allowed)
}

/// A link that a person may follow: http or https, a host, and nothing that would end the link early.
fn is_web_address(url: &str) -> bool {
    let after_scheme = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(after_scheme) = after_scheme else { return false };
    let host = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    let breaks_link =
        |character: char| character.is_whitespace() || character.is_control() || "<>\"".contains(character);
    !host.is_empty() && !url.contains(breaks_link)
}
