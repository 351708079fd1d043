//! Options that would take safety away, or that cannot be used, are refused before anything is asked; no error shows a secret.

use std::error::Error;
use std::fs;

use kafka::{KafkaLog, KafkaOptions, OptionsError};
use platform::config::Secret;

const PASSWORD: &str = "correct-horse-battery";

fn with(properties: &[(&str, &str)]) -> KafkaOptions {
    let secret = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new((*value).to_owned()));
    KafkaOptions {
        // Nobody listens there.
        brokers: "127.0.0.1:1".to_owned(),
        properties: properties.iter().map(secret).collect(),
        ..KafkaOptions::default()
    }
}

/// The error and its causes, as a log would print them.
async fn refusal(options: KafkaOptions) -> String {
    let Err(error) = KafkaLog::open(options).await else {
        panic!("the options should be refused");
    };
    let mut text = format!("{error} / {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text} / {cause}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn what_safety_needs_cannot_be_set_and_the_reason_is_given() {
    for (property, value) in [
        ("acks", "1"),
        ("request.required.acks", "0"),
        ("enable.idempotence", "true"),
        ("transactional.id", "mine"),
        ("isolation.level", "read_committed"),
        ("check.crcs", "false"),
        ("auto.offset.reset", "latest"),
        ("allow.auto.create.topics", "true"),
        ("enable.auto.commit", "true"),
        ("group.id", "mine"),
        ("message.timeout.ms", "1"),
        ("message.max.bytes", "1000"),
        ("bootstrap.servers", "elsewhere:9092"),
        ("test.mock.num.brokers", "3"),
    ] {
        let options = with(&[(property, value)]);
        assert!(
            matches!(options.check(), Err(OptionsError::Reserved { property: named, .. }) if named == property),
            "{property} is refused"
        );
        let refusal = refusal(options).await;
        assert!(
            refusal.starts_with(&format!("kafka.properties must not set {property}: ")),
            "{refusal}"
        );
    }
    with(&[("security.protocol", "SASL_SSL"), ("compression.type", "lz4")])
        .check()
        .unwrap();
}

#[tokio::test]
async fn a_reserved_property_is_no_better_in_a_file() {
    let mut options = with(&[]);
    options.property_files.insert("acks".to_owned(), "/nowhere".into());
    assert!(matches!(options.check(), Err(OptionsError::Reserved { .. })));
}

#[tokio::test]
async fn an_unknown_property_or_a_value_that_is_none_is_named_without_the_value() {
    for (property, value) in [
        ("sasl.passwort", PASSWORD),
        ("security.protocol", PASSWORD),
        ("socket.timeout.ms", PASSWORD),
        ("ssl.key.pem", PASSWORD),
    ] {
        let refusal = refusal(with(&[("security.protocol", "SSL"), (property, value)])).await;
        assert!(refusal.contains(property), "{refusal}");
        assert!(!refusal.contains(PASSWORD), "{refusal}");
    }
}

#[tokio::test]
async fn the_file_of_a_secret_must_be_readable_and_hold_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    let mut options = with(&[]);
    options.property_files.insert("sasl.password".to_owned(), path.clone());
    let absent = refusal(options.clone()).await;
    assert!(
        absent.contains("sasl.password") && absent.contains("cannot be read"),
        "{absent}"
    );
    for content in [b"".as_slice(), b"\n", b"\xff\xfe", vec![b'x'; 300_000].as_slice()] {
        fs::write(&path, content).unwrap();
        let refused = refusal(options.clone()).await;
        assert!(refused.contains("is no value for sasl.password"), "{refused}");
    }
    options
        .properties
        .insert("sasl.password".to_owned(), Secret::new(PASSWORD.to_owned()));
    let twice = refusal(options).await;
    assert!(
        twice.contains("keep one of them") && !twice.contains(PASSWORD),
        "{twice}"
    );
}

#[test]
fn the_guard_cannot_be_switched_off() {
    for guard_interval_ms in [0, 49, 600_001] {
        let options = KafkaOptions {
            guard_interval_ms,
            ..KafkaOptions::default()
        };
        assert!(matches!(options.check(), Err(OptionsError::OutOfRange { .. })));
    }
    KafkaOptions::default().check().unwrap();
}

#[test]
fn requests_in_flight_have_a_bound() {
    for requests_in_flight in [0, 101] {
        let options = KafkaOptions {
            requests_in_flight,
            ..KafkaOptions::default()
        };
        assert!(matches!(options.check(), Err(OptionsError::OutOfRange { .. })));
    }
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_told_from_one_that_refuses() {
    let refusal = refusal(with(&[])).await;
    assert!(
        refusal.starts_with("Kafka at 127.0.0.1:1 does not answer: "),
        "{refusal}"
    );
}
