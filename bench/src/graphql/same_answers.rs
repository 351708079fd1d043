//! Do two answers say the same? The services write values in their own ways; what is compared is what they mean.

use anyhow::{Result, bail, ensure};
use chrono::DateTime;
use serde_json::Value;

/// Names a place in the list in words of its own, which nobody but the service understands.
const OPAQUE: [&str; 1] = ["endCursor"];

/// Of an answer, around the first difference.
const BEFORE_DIFFERENCE: usize = 60;
const SHOWN_BYTES: usize = 200;

/// Compares all members and says where two differ.
pub(super) fn check(ours: &Value, theirs: &Value) -> Result<()> {
    check_at("data", ours, theirs)
}

/// How many things with an id are in an answer.
pub(super) fn ids(answer: &Value) -> usize {
    match answer {
        Value::Object(members) => {
            usize::from(members.get("id").is_some_and(Value::is_string)) + members.values().map(ids).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(ids).sum(),
        _ => 0,
    }
}

/// Where two answers that should have the same bytes begin to differ, and how each goes on there.
pub(super) fn first_difference(now: &[u8], before: &[u8]) -> String {
    let at = now.iter().zip(before).take_while(|(one, other)| one == other).count();
    let shown = |bytes: &[u8]| {
        let near = bytes
            .iter()
            .skip(at.saturating_sub(BEFORE_DIFFERENCE))
            .take(SHOWN_BYTES);
        String::from_utf8_lossy(&near.copied().collect::<Vec<u8>>()).into_owned()
    };
    format!("at byte {at}: {} instead of {}", shown(now), shown(before))
}

fn check_at(path: &str, ours: &Value, theirs: &Value) -> Result<()> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            ensure!(
                ours.len() == theirs.len(),
                "{path} has {} members here and {} there",
                ours.len(),
                theirs.len()
            );
            for (name, value) in ours {
                let Some(other) = theirs.get(name) else {
                    bail!("{path} has no {name} there")
                };
                let is_opaque = OPAQUE.contains(&name.as_str()) && value.is_string() && other.is_string();
                if !is_opaque {
                    check_at(&format!("{path}.{name}"), value, other)?;
                }
            }
            Ok(())
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ensure!(
                ours.len() == theirs.len(),
                "{path} has {} items here and {} there",
                ours.len(),
                theirs.len()
            );
            let pairs = ours.iter().zip(theirs).enumerate();
            pairs
                .into_iter()
                .try_for_each(|(index, (value, other))| check_at(&format!("{path}[{index}]"), value, other))
        }
        _ => {
            ensure!(means_the_same(ours, theirs), "{path} is {ours} here and {theirs} there");
            Ok(())
        }
    }
}

fn means_the_same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        // Numbers of 64 bits, which others write as text.
        (Value::Number(number), Value::String(text)) => number.to_string() == *text,
        (Value::String(ours), Value::String(theirs)) => {
            ours == theirs || same_time(ours, theirs) || same_word(ours, theirs)
        }
        _ => ours == theirs,
    }
}

fn same_time(ours: &str, theirs: &str) -> bool {
    let read = |text| DateTime::parse_from_rfc3339(text).ok();
    read(ours).is_some_and(|time| Some(time) == read(theirs))
}

/// A value of an enum of ours is text in the table: `BUG_FIX` and `bug-fix`.
fn same_word(ours: &str, theirs: &str) -> bool {
    ours.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase())
        && theirs.replace('-', "_").to_ascii_uppercase() == ours
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{check, first_difference, ids};

    #[test]
    fn values_that_are_written_in_other_ways_are_the_same() {
        let ours = json!({ "revision": 3, "type": "BUG_FIX", "at": "2024-05-31T12:00:00+00:00", "model": null, "endCursor": "abc" });
        let theirs = json!({ "type": "bug-fix", "revision": "3", "at": "2024-05-31T12:00:00.000000+00:00", "model": null, "endCursor": "xyz" });
        assert!(check(&ours, &theirs).is_ok());
    }

    #[test]
    fn the_place_of_a_difference_is_told() {
        for (ours, theirs, place) in [
            (json!([{ "id": "a" }]), json!([{ "id": "b" }]), "data[0].id"),
            (json!([1]), json!([1, 2]), "data"),
            (json!({ "a": 1 }), json!({ "b": 1 }), "data"),
            (json!({ "title": "Fix it" }), json!({ "title": "fix it" }), "data.title"),
            (
                json!({ "at": "2024-05-31T12:00:00Z" }),
                json!({ "at": "2024-05-31T12:00:01Z" }),
                "data.at",
            ),
            (
                json!({ "endCursor": "abc" }),
                json!({ "endCursor": null }),
                "data.endCursor",
            ),
        ] {
            let message = check(&ours, &theirs).unwrap_err().to_string();
            assert!(message.starts_with(place), "{message}");
        }
    }

    #[test]
    fn the_first_byte_that_differs_is_told() {
        assert_eq!(first_difference(b"abc", b"abd"), "at byte 2: abc instead of abd");
        assert_eq!(first_difference(b"ab", b"abd"), "at byte 2: ab instead of abd");
    }

    #[test]
    fn things_with_an_id_are_counted_wherever_they_are() {
        let answer =
            json!({ "tasks": { "nodes": [{ "id": "a", "conversation": { "id": "b" } }, { "id": "c" }] }, "id": null });
        assert_eq!(ids(&answer), 3);
    }
}
