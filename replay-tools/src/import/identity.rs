//! Where every id of an import comes from: from what is imported, so that importing again adds nothing.

use uuid::Uuid;

/// The namespace of everything that an imported history creates. It must never change: ids of past imports hang on it.
const IMPORTED_HISTORY: Uuid = Uuid::from_u128(0x8f1b_6d0e_3c54_5a7e_9b21_64d8_0f7c_a2e3);

/// The author of commits that carry `email`; the same in histories that were extracted elsewhere by this rule.
pub fn author(email: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, email.trim().to_lowercase().as_bytes())
}

/// The id of what one commit becomes; `kind` keeps them apart (`task`, `execution`, `message`).
pub fn of_commit(kind: &str, repo: &str, sha: &str) -> Uuid {
    derive(&[kind, repo, sha])
}

/// The conversation of a scope (empty: the repository as a whole) in one month (`2024-05`).
pub fn of_conversation(repo: &str, scope: &str, month: &str) -> Uuid {
    derive(&["conversation", repo, scope, month])
}

/// The id of the command `name` about the thing `about`, which is sent once in the life of that thing.
pub fn of_command(name: &str, about: Uuid) -> Uuid {
    Uuid::new_v5(&about, name.as_bytes())
}

/// NUL parts the texts, which hold none, so that no two lists of texts give the same id.
fn derive(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&IMPORTED_HISTORY, parts.join("\0").as_bytes())
}
