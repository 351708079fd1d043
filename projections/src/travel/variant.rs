//! How a branch differs from the log: events that are dropped, and a script that rewrites the others.

use std::collections::BTreeMap;
use std::str::FromStr;

use event_store::RecordedEvent;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::TravelError;
use super::fitting::Misfits;
use super::script::Script;

/// Which events: all of a type, stream, category or actor, or one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `type=`; with or without its version, `*` stands for anything.
    Type(String),
    /// `stream=`.
    Stream(String),
    /// `category=`.
    Category(String),
    /// `actor=`: who caused it.
    Actor(String),
    /// `id=`.
    Id(String),
}

impl FromStr for Condition {
    type Err = TravelError;

    fn from_str(text: &str) -> Result<Self, TravelError> {
        let refused = |reason| TravelError::Condition {
            text: text.to_owned(),
            reason,
        };
        let (field, value) = text
            .split_once('=')
            .filter(|(_, value)| !value.is_empty())
            .ok_or_else(|| refused("expected FIELD=VALUE"))?;
        let value = value.to_owned();
        match field {
            "type" => Ok(Self::Type(value)),
            "stream" => Ok(Self::Stream(value)),
            "category" => Ok(Self::Category(value)),
            "actor" | "id" if uuid::Uuid::parse_str(&value).is_err() => Err(refused("it must be a UUID")),
            "actor" => Ok(Self::Actor(value.to_lowercase())),
            "id" => Ok(Self::Id(value.to_lowercase())),
            _ => Err(refused("the field must be type, stream, category, actor or id")),
        }
    }
}

impl Condition {
    fn holds(&self, event: &RecordedEvent) -> bool {
        match self {
            Self::Type(pattern) => {
                let versionless = event.event_type.rsplit_once(".v").map_or("", |(name, _)| name);
                matches(pattern, &event.event_type) || matches(pattern, versionless)
            }
            Self::Stream(stream) => event.stream.as_str() == stream,
            Self::Category(category) => event.stream.category() == category,
            Self::Actor(actor) => event.metadata.actor.as_uuid().to_string() == *actor,
            Self::Id(id) => event.id.as_uuid().to_string() == *id,
        }
    }
}

/// `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// How a branch differs.
#[derive(Debug, Default)]
pub struct Variant {
    /// An event for which one of these holds is not there.
    pub drop: Vec<Condition>,
    /// What becomes of the others.
    pub map: Option<Script>,
}

/// What was done to the events of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Events dropped by a condition, by type.
    pub dropped: BTreeMap<String, u64>,
    /// Events for which the script returned nothing, by type.
    pub removed: BTreeMap<String, u64>,
    /// Events that the script changed, or to which it added, by type.
    pub rewritten: BTreeMap<String, u64>,
    /// Events that did not fit any more.
    pub left_out: Misfits,
}

impl Variant {
    /// For people, and for the row in the database.
    pub fn describe(&self) -> serde_json::Value {
        let field = |condition: &Condition| match condition {
            Condition::Type(value) => format!("type={value}"),
            Condition::Stream(value) => format!("stream={value}"),
            Condition::Category(value) => format!("category={value}"),
            Condition::Actor(value) => format!("actor={value}"),
            Condition::Id(value) => format!("id={value}"),
        };
        let drop: Vec<String> = self.drop.iter().map(field).collect();
        json!({ "drop": drop, "map": self.map.as_ref().map(Script::hash) })
    }

    /// What becomes of events of the log, in their order.
    pub(super) fn apply(
        &self,
        events: Vec<RecordedEvent>,
        tally: &mut Tally,
    ) -> Result<Vec<RecordedEvent>, TravelError> {
        let mut kept = Vec::with_capacity(events.len());
        for event in events {
            if self.drop.iter().any(|condition| condition.holds(&event)) {
                *tally.dropped.entry(event.event_type).or_default() += 1;
                continue;
            }
            let Some(script) = &self.map else {
                kept.push(event);
                continue;
            };
            let outcome = script.rewrite(&event)?;
            if outcome.is_empty() {
                *tally.removed.entry(event.event_type).or_default() += 1;
            } else if !is_unchanged(&event, &outcome) {
                *tally.rewritten.entry(event.event_type).or_default() += 1;
            }
            kept.extend(outcome);
        }
        Ok(kept)
    }
}

fn is_unchanged(event: &RecordedEvent, outcome: &[RecordedEvent]) -> bool {
    let [only] = outcome else { return false };
    let value = |event: &RecordedEvent| serde_json::from_str::<serde_json::Value>(event.data.get()).ok();
    only.event_type == event.event_type && only.time == event.time && value(only) == value(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("task.*", "task.created"));
        assert!(matches("*.deleted", "task.deleted"));
        assert!(matches("task.execution-*", "task.execution-started"));
        assert!(matches("*a*b*", "xaxbx"));
        assert!(matches("task.created", "task.created"));
        assert!(!matches("task.created", "task.created.v1"));
        assert!(!matches("task.*", "conversation.started"));
        assert!(!matches("a*a", "a"));
    }

    #[test]
    fn a_condition_names_one_field_of_events() {
        assert_eq!(
            "type=task.*".parse::<Condition>().unwrap(),
            Condition::Type("task.*".to_owned())
        );
        for refused in ["type", "type=", "id=7", "actor=ann", "colour=red", ""] {
            let error = refused.parse::<Condition>().unwrap_err();
            assert_eq!(error.code(), "travel.condition-invalid", "{refused}");
        }
    }
}
