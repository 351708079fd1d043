//! The topic: a clean one, and ones with a rogue record.

use domain::StreamId;
use event_store::acceptance::{Ruled, Ruling};
use event_store::codec::{Pin, encode_commit};
use event_store::journal::postgres::{LogKind, PostgresJournal};
use event_store::log::{Log as _, Record};
use event_store::log_store::{LogStore, LogStoreOptions};
use event_store::{Basis, Commit, CommittedCommand, EventStore as _, NewEvent};
use kafka::{KafkaLog, ReadOnlyKafkaLog};
use replay_tools::history::LogSource;
use replay_tools::history::verify::{Code, Voids};
use serde_json::value::RawValue;
use std::sync::Arc;
use uuid::Uuid;

use super::world::{
    COMMANDS, EVENTS, Kafka, PARTITIONS, World, database, event, fenced, renamed, stamp, stream, topic,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_topic_has_no_findings_and_everything_in_it_is_counted() {
    let world = World::on_kafka().await;
    let pool = world.copy().await;
    let report = world.verify(&pool).await;
    assert!(report.ok, "{}", report.to_text());
    let history = &report.history;
    assert_eq!(
        (history.store, history.partitions, history.pins),
        ("kafka", PARTITIONS, PARTITIONS.into())
    );
    assert_eq!((history.events, history.commands), (EVENTS + 1, COMMANDS + 1));
    assert_eq!((history.streams, history.fences), (10, 4));
    let Voids {
        superseded,
        too_old,
        ruled,
        foreign,
    } = history.voids;
    assert_eq!((too_old, ruled, foreign), (0, 0, 1));
    // Two were planted; a client that repeats an unanswered produce may have added copies.
    assert!(superseded >= 2, "{superseded}");
    assert_eq!(history.commits, COMMANDS + 1);
    let others = u64::from(PARTITIONS) + history.fences + superseded + foreign;
    assert_eq!(history.records, history.commits + others);
    let journal = report.journal.as_ref().unwrap();
    assert_eq!(
        (journal.rows, journal.fences, journal.rejections, journal.events_to_come),
        (EVENTS + 1, 4, 2, 0)
    );
}

/// A commit by an author that is not to be trusted, in every respect right but for what a test changes.
struct Rogue {
    commit: Commit,
    partition: u32,
}

impl Rogue {
    async fn on(world: &World, stream: &StreamId) -> Self {
        let kafka = world.kafka.as_ref().unwrap();
        let basis = basis(world, kafka, stream).await;
        let stamp = stamp("rogue");
        let events = vec![event(stamp.scoped_command(), stream, 0, renamed("Rogue"))];
        Self {
            commit: Commit {
                id: Uuid::new_v4(),
                stream: stream.clone(),
                basis,
                commands: vec![CommittedCommand { stamp, events }],
            },
            partition: stream.partition(PARTITIONS),
        }
    }

    fn record(&self) -> Record {
        encode_commit(&self.commit, "rogue").unwrap()
    }

    fn event(&mut self) -> &mut NewEvent {
        &mut self.commit.commands[0].events[0]
    }

    async fn append(&self, world: &World) -> u64 {
        self.append_record(world, self.record()).await
    }

    async fn append_record(&self, world: &World, record: Record) -> u64 {
        let kafka = world.kafka.as_ref().unwrap();
        kafka.log.append(self.partition, record).await.unwrap()
    }
}

/// The newest state of a stream, as a node sees it.
async fn basis(world: &World, kafka: &Kafka, stream: &StreamId) -> Basis {
    let journal = PostgresJournal::open(world.copy().await, LogKind::Log, kafka.pin.log_id, PARTITIONS)
        .await
        .unwrap();
    let store = LogStore::start(
        kafka.log.clone(),
        Arc::new(journal),
        &kafka.pin,
        LogStoreOptions::default(),
    )
    .await
    .unwrap();
    store.load(stream, None).await.unwrap().basis
}

/// Appends the rogue record, and expects exactly this to be found where it is.
async fn found(world: &World, rogue: &Rogue, record: Record, code: Code) {
    let offset = rogue.append_record(world, record).await;
    let report = world.finds(&world.copy().await, code).await;
    let place = &report.findings[0].place;
    assert_eq!((place.partition, place.offset), (Some(rogue.partition), Some(offset)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_does_not_go_on_where_its_stream_is_is_found() {
    let world = World::on_kafka().await;
    let mut rogue = Rogue::on(&world, &stream(2)).await;
    rogue.commit.basis.revision = rogue.commit.basis.revision.map(|revision| revision + 1);
    found(&world, &rogue, rogue.record(), Code::RevisionNotNext).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_happened_twice_is_found() {
    let world = World::on_kafka().await;
    let mut rogue = Rogue::on(&world, &stream(2)).await;
    rogue.commit.commands[0].stamp = stamp("rename-2");
    found(&world, &rogue, rogue.record(), Code::CommandTwice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_last_commit_is_there_twice_is_found() {
    let world = World::on_kafka().await;
    let mut rogue = Rogue::on(&world, &stream(2)).await;
    rogue.commit.commands[0].stamp = stamp("end-2");
    found(&world, &rogue, rogue.record(), Code::CommandTwice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_id_that_is_there_twice_is_found() {
    let world = World::on_kafka().await;
    let mut rogue = Rogue::on(&world, &stream(2)).await;
    let earlier = event(stamp("rename-2").scoped_command(), &stream(2), 0, renamed("Another"));
    rogue.event().id = earlier.id;
    found(&world, &rogue, rogue.record(), Code::EventIdTwice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_type_that_is_not_known_here_is_a_finding_of_its_own() {
    let world = World::on_kafka().await;
    let mut rogue = Rogue::on(&world, &stream(2)).await;
    "conversation.pinned.v1".clone_into(&mut rogue.event().event_type);
    found(&world, &rogue, rogue.record(), Code::UnknownType).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_does_not_fit_its_type_is_found() {
    let world = World::on_kafka().await;
    let mut rogue = Rogue::on(&world, &stream(2)).await;
    rogue.event().data = RawValue::from_string(r#"{"title":7}"#.to_owned()).unwrap();
    found(&world, &rogue, rogue.record(), Code::MalformedEvent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_readable_events_is_found() {
    let world = World::on_kafka().await;
    let rogue = Rogue::on(&world, &stream(2)).await;
    let mut record = rogue.record();
    record.value = "[{}]".into();
    found(&world, &rogue, record, Code::UnreadableCommit).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_in_the_wrong_partition_is_found() {
    let world = World::on_kafka().await;
    let mut rogue = Rogue::on(&world, &stream(2)).await;
    let away = (100..1_000)
        .map(stream)
        .find(|away| away.partition(PARTITIONS) != rogue.partition)
        .unwrap();
    rogue.commit.stream = away;
    rogue.commit.basis.revision = None;
    found(&world, &rogue, rogue.record(), Code::WrongPartition).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_decided_on_another_history_is_found() {
    let world = World::on_kafka().await;
    let mut rogue = Rogue::on(&world, &stream(2)).await;
    rogue.commit.basis.digest ^= 1 << 100;
    found(&world, &rogue, rogue.record(), Code::OtherHistory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rulings_hold_for_the_checker_as_for_every_reader() {
    let world = World::on_kafka().await;
    let mut rogue = Rogue::on(&world, &stream(2)).await;
    rogue.commit.basis.digest ^= 1 << 100;
    let offset = rogue.append(&world).await;
    let kafka = world.kafka.as_ref().unwrap();
    let ruling = |ruled| Ruling {
        log_id: kafka.pin.log_id,
        partition: rogue.partition,
        offset,
        ruled,
        reason: "a test".to_owned(),
        at: chrono::DateTime::UNIX_EPOCH,
    };
    kafka.log.rule(&ruling(Ruled::Stop)).await.unwrap();
    let report = world.finds(&world.copy().await, Code::Stopped).await;
    assert_eq!(report.findings[0].place.offset, Some(offset));
    kafka.log.rule(&ruling(Ruled::Void)).await.unwrap();
    let report = world.verify(&world.copy().await).await;
    assert!(report.ok, "{}", report.to_text());
    assert_eq!(report.history.voids.ruled, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_saw_what_is_not_there_is_found() {
    let world = World::on_kafka().await;
    let mut rogue = Rogue::on(&world, &stream(2)).await;
    rogue.commit.basis.seen += 1_000;
    found(&world, &rogue, rogue.record(), Code::SeenAhead).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_a_newer_version_ends_the_reading_of_its_partition() {
    let world = World::on_kafka().await;
    let rogue = Rogue::on(&world, &stream(2)).await;
    let mut record = rogue.record();
    record.headers[0].1 = "99".into();
    let offset = rogue.append_record(&world, record).await;
    rogue.append(&world).await;
    let report = world.finds(&world.copy().await, Code::NewerFormat).await;
    assert_eq!(report.findings[0].place.offset, Some(offset));
    assert_eq!(report.history.records_not_judged, 2);
}

/// A topic with these first records, one a partition, and a journal that was never written.
async fn topic_of(pins: impl Fn(u32) -> Record) -> World {
    let options = topic();
    let log = Arc::new(KafkaLog::open(options.clone()).await.unwrap());
    for partition in 0..PARTITIONS {
        log.append(partition, pins(partition)).await.unwrap();
    }
    let mut world = World::on_postgresql().await;
    world.log = LogSource::Log(Arc::new(ReadOnlyKafkaLog::open(options).await.unwrap()));
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_are_pinned_to_different_logs_are_found() {
    let (first, other) = (Uuid::new_v4(), Uuid::new_v4());
    let world = topic_of(|partition| {
        let log_id = if partition == 2 { other } else { first };
        Pin::new(log_id, PARTITIONS, 65_536).encode()
    })
    .await;
    let (_, pool) = database().await;
    PostgresJournal::open(pool.clone(), LogKind::Log, first, PARTITIONS)
        .await
        .unwrap();
    let report = world.finds(&pool, Code::PinDiffers).await;
    assert_eq!(report.findings[0].place.partition, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_does_not_begin_with_a_pin_is_found() {
    let id = Uuid::new_v4();
    let world = topic_of(|partition| {
        let mut record = Pin::new(id, PARTITIONS, 65_536).encode();
        if partition == 1 {
            record.headers.clear();
        }
        record
    })
    .await;
    let (_, pool) = database().await;
    PostgresJournal::open(pool.clone(), LogKind::Log, id, PARTITIONS)
        .await
        .unwrap();
    let report = world.finds(&pool, Code::NoPin).await;
    assert_eq!(report.findings[0].place.partition, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_were_deleted_from_the_topic_are_found() {
    let world = World::on_kafka().await;
    let kafka = world.kafka.as_ref().unwrap();
    let partition = fenced().partition(PARTITIONS);
    delete_records(&kafka.options.brokers, &kafka.options.topic, partition, 2).await;
    let report = world
        .verify_with(&world.copy().await, &super::journal::log_only())
        .await;
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::OffsetMissing], "{}", report.to_text());
    assert_eq!(report.findings[0].place.partition, Some(partition));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_that_is_missing_between_others_is_found() {
    let world = World::on_kafka().await;
    let kafka = world.kafka.as_ref().unwrap();
    let ends = ends(kafka).await;
    produce_in_a_transaction(&kafka.options.brokers, &kafka.options.topic).await;
    let after: Vec<_> = self::ends(kafka).await;
    let (partition, end) = (0..PARTITIONS)
        .zip(after)
        .find(|(partition, end)| ends[*partition as usize] < *end)
        .unwrap();
    // The end of a transaction takes an offset that no reader ever sees, and here something comes after it.
    let foreign = Record {
        key: "somebody".into(),
        headers: Vec::new(),
        value: "else".into(),
    };
    kafka.log.append(partition, foreign).await.unwrap();
    let report = world
        .verify_with(&world.copy().await, &super::journal::log_only())
        .await;
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::OffsetMissing], "{}", report.to_text());
    let place = &report.findings[0].place;
    assert_eq!((place.partition, place.offset), (Some(partition), Some(end - 1)));
    assert_eq!(report.history.records_not_judged, 2, "the gap, and what comes after it");
}

async fn ends(kafka: &Kafka) -> Vec<u64> {
    let mut ends = Vec::new();
    for partition in 0..PARTITIONS {
        ends.push(kafka.log.end_offset(partition).await.unwrap());
    }
    ends
}

/// One record by a producer of others, with a tool of Kafka itself.
async fn produce_in_a_transaction(brokers: &str, topic: &str) {
    kafka_tool(
        "ProducerPerformance",
        &[
            "--topic",
            topic,
            "--num-records",
            "1",
            "--record-size",
            "10",
            "--throughput",
            "-1",
            "--transactional-id",
            "somebody-else",
            "--producer-props",
            &format!("bootstrap.servers={brokers}"),
        ],
    )
    .await;
}

/// With the tool of Kafka itself.
async fn delete_records(brokers: &str, topic: &str, partition: u32, before: u64) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("offsets.json");
    let offsets = serde_json::json!({
        "version": 1, "partitions": [{ "topic": topic, "partition": partition, "offset": before }],
    });
    std::fs::write(&file, offsets.to_string()).unwrap();
    let file = file.to_str().unwrap();
    kafka_tool(
        "DeleteRecordsCommand",
        &["--bootstrap-server", brokers, "--offset-json-file", file],
    )
    .await;
}

async fn kafka_tool(name: &str, arguments: &[&str]) {
    let jars = std::env::var("CODING_AGENT_TEST_KAFKA_JARS").expect("run ./dev test, which starts the servers");
    let output = tokio::process::Command::new("java")
        .args(["-cp", &format!("{jars}/*"), &format!("org.apache.kafka.tools.{name}")])
        .args(arguments)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
