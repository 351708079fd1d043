//! The fingerprint of a command's content, by which a repetition is told from another command under the same id.
//!
//! SHA-256, cut to 128 bits, of the canonical JSON of `{"body", "command", "id"}`: keys sorted, no white space,
//! numbers and text as `serde_json` prints them. What the edge stamps (time, correlation, ids that it derives) is not
//! in it.

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::catalogue::CommandName;

/// Hashes what the client sent: the command, the stream when it named one, and the body.
pub(crate) fn command_hash(name: CommandName, id: Option<Uuid>, body: &Value) -> u128 {
    let mut text = Vec::with_capacity(256);
    text.extend_from_slice(b"{\"body\":");
    write_canonical(body, &mut text);
    text.extend_from_slice(b",\"command\":\"");
    text.extend_from_slice(name.as_str().as_bytes());
    text.extend_from_slice(b"\",\"id\":");
    match id {
        Some(id) => {
            let mut buffer = Uuid::encode_buffer();
            text.push(b'"');
            text.extend_from_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
            text.push(b'"');
        }
        None => text.extend_from_slice(b"null"),
    }
    text.push(b'}');
    Sha256::digest(&text)
        .iter()
        .take(16)
        .fold(0, |hash, byte| (hash << 8) | u128::from(*byte))
}

/// Sorts the keys itself: whether a map of `serde_json` is sorted depends on a feature that any crate may switch on.
fn write_canonical(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            text.push(b'{');
            for (index, (key, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                write_leaf(key, text);
                text.push(b':');
                write_canonical(member, text);
            }
            text.push(b'}');
        }
        Value::Array(items) => {
            text.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                write_canonical(item, text);
            }
            text.push(b']');
        }
        leaf => write_leaf(leaf, text),
    }
}

fn write_leaf(leaf: &(impl serde::Serialize + ?Sized), text: &mut Vec<u8>) {
    // Writing text, numbers and literals to a vector cannot fail.
    let _written = serde_json::to_writer(text, leaf);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn hash(body: &str) -> u128 {
        command_hash(CommandName::TaskCreate, None, &serde_json::from_str(body).unwrap())
    }

    #[test]
    fn order_of_keys_and_white_space_do_not_count() {
        assert_eq!(
            hash(r#"{"a":1,"b":{"c":[1,2],"d":null}}"#),
            hash("{ \"b\": {\"d\":null, \"c\":[1, 2]}, \"a\": 1}")
        );
    }

    #[test]
    fn content_command_and_target_count() {
        let body = serde_json::json!({"title": "x"});
        let target = Some(Uuid::from_u128(7));
        let hashes = [
            command_hash(CommandName::TaskCreate, None, &body),
            command_hash(CommandName::TaskCreate, target, &body),
            command_hash(CommandName::TaskAmend, target, &body),
            command_hash(CommandName::TaskAmend, target, &serde_json::json!({"title": "y"})),
            command_hash(CommandName::TaskAmend, target, &serde_json::json!({"title": ["y"]})),
        ];
        for (index, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(hash), "hash number {index} repeats another");
        }
    }

    #[test]
    fn the_hash_is_pinned_because_the_log_keeps_it() {
        assert_eq!(format!("{:032x}", hash(r#"{"title":"Grüße","n":1.5}"#)), PINNED);
    }

    const PINNED: &str = "1a35cc6c6d1e9c81a85b27a6ec594251";
}
