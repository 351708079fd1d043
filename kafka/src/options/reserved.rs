//! Properties that safety needs to be as they are.

/// Properties with the reason why nobody else sets them. Both names where librdkafka has two.
const RESERVED: [(&[&str], &str); 9] = [
    (
        &["bootstrap.servers", "metadata.broker.list"],
        "kafka.brokers is the place for it",
    ),
    (
        &["acks", "request.required.acks"],
        "a record counts only when all in-sync replicas have it",
    ),
    (
        &["enable.idempotence", "enable.gapless.guarantee", "transactional.id"],
        "duplicates are void by the acceptance rule, an idempotent producer can fail for good, and transactions make holes in the offsets",
    ),
    (
        &["isolation.level", "check.crcs"],
        "every reader must see every record, and see it whole",
    ),
    (
        &["auto.offset.reset", "allow.auto.create.topics"],
        "an offset or a topic that is not there means harmed history, never another place to begin",
    ),
    (
        &[
            "group.id",
            "group.instance.id",
            "group.protocol",
            "enable.auto.commit",
            "auto.commit.enable",
            "enable.auto.offset.store",
        ],
        "readers keep their own checkpoints",
    ),
    (
        &[
            "linger.ms",
            "queue.buffering.max.ms",
            "message.timeout.ms",
            "delivery.timeout.ms",
            "max.in.flight",
            "max.in.flight.requests.per.connection",
        ],
        "kafka.linger_ms, kafka.delivery_timeout_ms and kafka.requests_in_flight are the places for it",
    ),
    (&["message.max.bytes"], "the limit is that of the topic"),
    (
        &["test.mock.num.brokers", "test.mock.broker.rtt"],
        "a log in memory keeps nothing",
    ),
];

/// Why this property is not to be set; none when it may be.
pub(super) fn why(property: &str) -> Option<&'static str> {
    let reserved = RESERVED.iter().find(|(names, _)| names.contains(&property));
    reserved.map(|(_, why)| *why)
}
