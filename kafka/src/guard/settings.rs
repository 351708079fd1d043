//! Which settings of the topic keep history whole, and which of the brokers' are worth a word.

use std::collections::BTreeMap;

use super::error::GuardError;
use crate::options::KafkaOptions;

/// What they must be. A new topic is made with them.
const NEEDED: [(&str, &str); 5] = [
    // Compaction makes holes in the offsets and loses all but the last event of a stream.
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    // The times of authors are not in order and are not checked.
    ("message.timestamp.type", "LogAppendTime"),
    // It loses what was acknowledged.
    ("unclean.leader.election.enable", "false"),
];

/// What they must be where a broker knows them: with tiered storage the beginning lives elsewhere, and would be deleted with the setting.
const NEEDED_WHERE_KNOWN: [(&str, &str); 1] = [("remote.log.delete.on.disable", "false")];

/// Copies that must have a record before it counts.
const MIN_INSYNC: &str = "min.insync.replicas";
/// Largest record.
const MAX_BYTES: &str = "max.message.bytes";
/// What Kafka takes when nobody says otherwise.
const DEFAULT_MAX_BYTES: usize = 1_048_588;

/// A setting as a broker describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) value: String,
    /// Set on the topic itself, so that nobody changes it by changing a default.
    pub(super) is_own: bool,
}

/// Settings by name.
pub(super) type Settings = BTreeMap<String, Described>;

/// The settings of a new topic.
pub(super) fn of_a_new_topic(options: &KafkaOptions) -> Vec<(&'static str, String)> {
    let mut settings: Vec<_> = NEEDED
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    settings.push((MIN_INSYNC, options.min_insync_replicas.to_string()));
    settings
}

/// The largest record that the topic takes.
pub(super) fn max_message_bytes(settings: &Settings) -> usize {
    let described = settings.get(MAX_BYTES);
    described
        .and_then(|described| described.value.parse().ok())
        .unwrap_or(DEFAULT_MAX_BYTES)
}

/// Everything that is wrong. `limit` is the largest record that this process promises to take; none before it does.
pub(super) fn judge(options: &KafkaOptions, settings: &Settings, limit: Option<usize>) -> Vec<GuardError> {
    let value = |name: &str| settings.get(name).map_or("", |described| &described.value);
    let mut found = Vec::new();
    for (setting, needed) in NEEDED {
        if value(setting) != needed {
            found.push(wrong(options, setting, value(setting), needed.to_owned()));
        }
    }
    for (setting, needed) in NEEDED_WHERE_KNOWN {
        if settings.contains_key(setting) && value(setting) != needed {
            found.push(wrong(options, setting, value(setting), needed.to_owned()));
        }
    }
    let at_least = [
        (MIN_INSYNC, Some(options.min_insync_replicas as usize)),
        (MAX_BYTES, limit),
    ];
    for (setting, needed) in at_least {
        if let Some(needed) = needed
            && value(setting).parse().unwrap_or(0) < needed
        {
            found.push(wrong(options, setting, value(setting), needed.to_string()));
        }
    }
    found
}

/// What is right today and could become wrong by a change elsewhere: said once, never a reason to stop.
pub(super) fn advice(options: &KafkaOptions, topic: &Settings, brokers: &BTreeMap<i32, Settings>) -> Vec<String> {
    let mut advice = Vec::new();
    for (setting, needed) in of_a_new_topic(options) {
        if topic.get(setting).is_some_and(|described| !described.is_own) {
            advice.push(format!(
                "topic {} has {setting} from the brokers' defaults; keep it when they change with: {}",
                options.topic,
                alter(options, setting, &needed)
            ));
        }
    }
    for (broker, settings) in brokers {
        let is = |name: &str, value: &str| settings.get(name).is_some_and(|described| described.value == value);
        if is("auto.create.topics.enable", "true") {
            advice.push(format!(
                "broker {broker} has auto.create.topics.enable = true: a deleted topic comes back empty; set it to false"
            ));
        }
        if is("delete.topic.enable", "true") && options.replication_factor > 1 {
            advice.push(format!(
                "broker {broker} has delete.topic.enable = true: one command deletes all history; set it to false, or forbid DELETE on the \
                 topic to everybody"
            ));
        }
    }
    if options.replication_factor == 1
        && topic
            .get("flush.messages")
            .is_some_and(|described| described.value != "1")
    {
        advice.push(format!(
            "topic {} has one copy, and Kafka does not wait for the disk: a power failure loses what was acknowledged; use \
             kafka.replication_factor = 3, or: {}",
            options.topic,
            alter(options, "flush.messages", "1")
        ));
    }
    advice
}

fn wrong(options: &KafkaOptions, setting: &'static str, found: &str, needed: String) -> GuardError {
    let mend = alter(options, setting, &needed);
    GuardError::Setting {
        topic: options.topic.clone(),
        setting,
        found: found.to_owned(),
        needed,
        mend,
    }
}

fn alter(options: &KafkaOptions, setting: &str, value: &str) -> String {
    format!(
        "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config {setting}={value}",
        options.brokers, options.topic
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> KafkaOptions {
        KafkaOptions {
            replication_factor: 3,
            min_insync_replicas: 2,
            ..KafkaOptions::default()
        }
    }

    fn settings(further: &[(&str, &str)]) -> Settings {
        let right = of_a_new_topic(&options()).into_iter();
        let right = right.map(|(name, value)| (name.to_owned(), value));
        let further = further
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let described = |(name, value)| (name, Described { value, is_own: true });
        right.chain(further).map(described).collect()
    }

    fn wrong(further: &[(&str, &str)], limit: Option<usize>) -> Vec<String> {
        let found = judge(&options(), &settings(further), limit);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_new_topic_is_right() {
        assert_eq!(wrong(&[], None), [""; 0]);
        assert_eq!(wrong(&[(MAX_BYTES, "2000")], Some(2000)), [""; 0]);
    }

    #[test]
    fn fewer_copies_in_sync_than_configured_are_wrong() {
        let found = wrong(&[(MIN_INSYNC, "1")], None);
        assert!(
            found[0].contains("has min.insync.replicas = 1 but needs 2"),
            "{found:?}"
        );
        assert_eq!(wrong(&[(MIN_INSYNC, "3")], None), [""; 0], "more are welcome");
    }

    #[test]
    fn a_limit_below_the_one_in_use_is_wrong() {
        let found = wrong(&[(MAX_BYTES, "1999")], Some(2000));
        assert!(
            found[0].contains("has max.message.bytes = 1999 but needs 2000"),
            "{found:?}"
        );
    }

    #[test]
    fn tiered_storage_must_not_end_with_its_setting() {
        let setting = "remote.log.delete.on.disable";
        assert_eq!(wrong(&[(setting, "false")], None), [""; 0]);
        assert!(wrong(&[(setting, "true")], None)[0].contains(setting));
    }

    #[test]
    fn a_setting_that_the_broker_does_not_describe_is_wrong() {
        let mut settings = settings(&[]);
        settings.remove("retention.ms");
        assert_eq!(judge(&options(), &settings, None).len(), 1);
    }

    #[test]
    fn brokers_that_make_or_delete_topics_are_worth_advice() {
        let broker = |setting: &str, value: &str| {
            let described = Described {
                value: value.to_owned(),
                is_own: true,
            };
            BTreeMap::from([(7, Settings::from([(setting.to_owned(), described)]))])
        };
        for setting in ["auto.create.topics.enable", "delete.topic.enable"] {
            let given = advice(&options(), &settings(&[]), &broker(setting, "true"));
            assert!(given.len() == 1 && given[0].contains(setting), "{given:?}");
            let given = advice(&options(), &settings(&[]), &broker(setting, "false"));
            assert_eq!(given, [""; 0]);
        }
    }
}
