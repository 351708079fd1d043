//! A log and a journal with a short, varied history, written by the real store.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use domain::conversation::ConversationEvent;
use domain::task::TaskEvent;
use domain::{CommandId, DomainEvent, EventId, Role, StreamId, UserId};
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::acceptance::Digest;
use event_store::codec::{FenceTarget, Pin, encode_fence, encode_rejections};
use event_store::journal::Journal as _;
use event_store::journal::postgres::{LogKind, PostgresJournal};
use event_store::log::{Log, Record};
use event_store::log_store::{Journaler, LogStore, LogStoreOptions, open_log};
use event_store::postgres::PostgresStore;
use event_store::{AppendToStreamOptions, CommandStamp, EventStore, NewEvent, RecordedRejection, StreamState};
use kafka::{KafkaLog, KafkaOptions, ReadOnlyKafkaLog};
use platform::shutdown::Shutdown;
use projections::{ProjectorOptions, ProjectorService};
use replay_tools::history::verify::{Code, VerifyOptions, VerifyReport, verify};
use replay_tools::history::{HistorySources, LogSource};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const PARTITIONS: u32 = 4;
const PATIENCE: Duration = Duration::from_mins(1);

/// A stream of the history, in the order in which they were made.
pub(crate) fn stream(number: u128) -> StreamId {
    let category = if number < 10 { "conversation" } else { "task" };
    StreamId::of(category, Uuid::from_u128(number))
}

pub(crate) fn principal() -> UserId {
    UserId::new(Uuid::from_u128(77))
}

pub(crate) fn stamp(command: &str) -> CommandStamp {
    CommandStamp {
        command_id: CommandId::parse(command).unwrap(),
        command_hash: 5,
        actor: principal(),
        role: Role::User,
        ..AppendToStreamOptions::anonymous(StreamState::Any).stamp
    }
}

pub(crate) fn event(scoped: Uuid, stream: &StreamId, index: usize, event: impl Into<DomainEvent>) -> NewEvent {
    let encoded = domain::stored::encode(&event.into());
    NewEvent {
        id: EventId::derived(scoped, stream.as_str(), index),
        event_type: encoded.event_type.to_owned(),
        time: DateTime::parse_from_rfc3339("2026-02-03T04:05:06.789012Z")
            .unwrap()
            .to_utc(),
        data: encoded.data,
    }
}

pub(crate) async fn append(store: &dyn EventStore, stream: &StreamId, command: &str, events: Vec<DomainEvent>) -> u64 {
    let stamp = stamp(command);
    let scoped = stamp.scoped_command();
    let events = events
        .into_iter()
        .enumerate()
        .map(|(index, it)| event(scoped, stream, index, it))
        .collect();
    let options = AppendToStreamOptions {
        stream_state: StreamState::Any,
        stamp,
    };
    let written = store.append_to_stream(stream, &options, events).await.unwrap();
    written.next_expected_version
}

pub(crate) fn started(title: &str) -> DomainEvent {
    ConversationEvent::Started {
        owner_id: principal(),
        title: title.to_owned(),
    }
    .into()
}

pub(crate) fn renamed(title: &str) -> DomainEvent {
    ConversationEvent::Renamed {
        title: title.to_owned(),
    }
    .into()
}

fn created(title: &str) -> DomainEvent {
    TaskEvent::Created {
        owner_id: principal(),
        title: title.to_owned(),
        description: "a \"quoted\" Zeichen: \u{1F600}\ttab".to_owned(),
        task_type: None,
        complexity: None,
        priority: 3,
        conversation_id: None,
    }
    .into()
}

/// Events: conversations 1 to 6 with three commands each, tasks 11 to 14 with one.
pub(crate) const EVENTS: u64 = 6 * 4 + 4;
pub(crate) const COMMANDS: u64 = 6 * 3 + 4;

async fn tell(store: &dyn EventStore) {
    for number in 1..=6 {
        let stream = stream(number);
        append(store, &stream, &format!("start-{number}"), vec![started("A title")]).await;
        append(store, &stream, &format!("rename-{number}"), vec![renamed("Another")]).await;
        let two = vec![renamed("A third"), ConversationEvent::Archived.into()];
        append(store, &stream, &format!("end-{number}"), two).await;
    }
    for number in 11..=14 {
        append(
            store,
            &stream(number),
            &format!("create-{number}"),
            vec![created("Fix it")],
        )
        .await;
    }
}

fn server(variable: &str) -> String {
    std::env::var(variable).expect("run ./dev test, which starts the servers")
}

async fn on_server(sql: String) {
    let mut admin = PgConnection::connect(&server("CODING_AGENT_TEST_POSTGRES"))
        .await
        .unwrap();
    sqlx::query(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
}

pub(crate) async fn connect(database: &str) -> PgPool {
    let url = server("CODING_AGENT_TEST_POSTGRES");
    let (server, _) = url.rsplit_once('/').unwrap();
    PgPoolOptions::new()
        .max_connections(8)
        .connect(&format!("{server}/{database}"))
        .await
        .unwrap()
}

/// A database with nothing in it.
pub(crate) async fn empty_database() -> (String, PgPool) {
    let name = format!("test_{}", Uuid::new_v4().simple());
    on_server(format!("create database {name}")).await;
    let pool = connect(&name).await;
    (name, pool)
}

/// An empty database with the schemas of journal and control.
pub(crate) async fn database() -> (String, PgPool) {
    let (name, pool) = empty_database().await;
    event_store::journal::migrate::migrate(&pool).await.unwrap();
    projections::migrate(&pool).await.unwrap();
    (name, pool)
}

/// A history that is at rest: nobody writes any more.
pub(crate) struct World {
    database: String,
    pub(crate) log: LogSource,
    pub(crate) kafka: Option<Kafka>,
}

/// The topic of a world on Kafka.
pub(crate) struct Kafka {
    pub(crate) log: Arc<KafkaLog>,
    pub(crate) options: KafkaOptions,
    pub(crate) pin: Pin,
}

/// Options for a new topic.
pub(crate) fn topic() -> KafkaOptions {
    KafkaOptions {
        brokers: server("CODING_AGENT_TEST_KAFKA"),
        topic: format!("test-{}", Uuid::new_v4()),
        partitions: PARTITIONS,
        ..KafkaOptions::default()
    }
}

impl World {
    pub(crate) async fn on_postgresql() -> Self {
        let (database, pool) = database().await;
        let store = Arc::new(PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap());
        tell(&*store).await;
        project(store, &pool).await;
        pool.close().await;
        Self {
            database,
            log: LogSource::Journal,
            kafka: None,
        }
    }

    /// With everything that can be in a topic: voids, fences, and bytes of others.
    pub(crate) async fn on_kafka() -> Self {
        let (database, pool) = database().await;
        let options = topic();
        let log = Arc::new(KafkaLog::open(options.clone()).await.unwrap());
        let pin = open_log(&*log, DEFAULT_WINDOW).await.unwrap();
        let journal = PostgresJournal::open(pool.clone(), LogKind::Log, pin.log_id, pin.partitions)
            .await
            .unwrap();
        let journal = Arc::new(journal);
        let stop = CancellationToken::new();
        let journaler = Journaler::new(log.clone(), journal.clone(), &pin);
        let journaler = tokio::spawn(journaler.run(stop.clone()));
        let store = LogStore::start(log.clone(), journal.clone(), &pin, LogStoreOptions::default())
            .await
            .unwrap();
        let store = Arc::new(store);
        tell(&*store).await;
        add_what_else_there_may_be(&store, &*log).await;
        journaled(&*log, &journal).await;
        project(store, &pool).await;
        stop.cancel();
        journaler.await.unwrap().unwrap();
        drop(journal);
        pool.close().await;
        let reading = ReadOnlyKafkaLog::open(options.clone()).await.unwrap();
        Self {
            database,
            log: LogSource::Log(Arc::new(reading)),
            kafka: Some(Kafka { log, options, pin }),
        }
    }

    /// A copy of the database, to be harmed.
    pub(crate) async fn copy(&self) -> PgPool {
        let name = format!("test_{}", Uuid::new_v4().simple());
        on_server(format!("create database {name} template {}", self.database)).await;
        connect(&name).await
    }

    /// A copy of the database in which this was done.
    pub(crate) async fn copy_after(&self, sql: &str) -> PgPool {
        let pool = self.copy().await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&pool)
            .await
            .unwrap();
        pool
    }

    pub(crate) async fn verify_with(&self, pool: &PgPool, options: &VerifyOptions) -> VerifyReport {
        let sources = HistorySources {
            log: self.log.clone(),
            pool: pool.clone(),
        };
        let shutdown = Shutdown::new();
        let checked = verify(options, &sources, &shutdown);
        tokio::time::timeout(PATIENCE, checked).await.expect("in time").unwrap()
    }

    pub(crate) async fn verify(&self, pool: &PgPool) -> VerifyReport {
        self.verify_with(pool, &VerifyOptions::default()).await
    }

    /// Checks after a fault was planted: exactly this is found, at this place of the log.
    pub(crate) async fn finds(&self, pool: &PgPool, code: Code) -> VerifyReport {
        let report = self.verify(pool).await;
        let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "{}", report.to_text());
        report
    }
}

async fn journaled(log: &dyn Log, journal: &PostgresJournal) {
    let level = async {
        loop {
            let checkpoints = journal.checkpoints().await.unwrap();
            let mut level = true;
            for (partition, checkpoint) in (0..).zip(checkpoints) {
                level &= checkpoint.next_offset >= log.end_offset(partition).await.unwrap();
            }
            if level {
                return;
            }
            journal.wait_moved().await;
        }
    };
    tokio::time::timeout(PATIENCE, level)
        .await
        .expect("the journal is level in time");
}

/// Folds everything into read models.
async fn project(store: Arc<dyn EventStore>, pool: &PgPool) {
    let service = ProjectorService::new(store.clone(), pool.clone(), ProjectorOptions::default());
    let mut progress = service.handle().watch();
    let shutdown = Shutdown::new();
    let requested = shutdown.clone();
    let projector = tokio::spawn(async move { service.run(requested).await });
    let end = store.end().await.unwrap();
    let level = progress.wait_for(|progress| store.behind(&end, &progress.cut) == 0);
    let level = tokio::time::timeout(PATIENCE, level)
        .await
        .expect("the read models are level in time");
    drop(level.unwrap());
    shutdown.trigger();
    projector.await.unwrap().unwrap();
}

/// The stream on which commands were refused for good.
pub(crate) fn refused() -> StreamId {
    stream(6)
}

/// Negative answers in two fences: two commands, and one of them a second time with another answer, which does not count.
async fn refuse_for_good(store: &LogStore, log: &dyn Log) {
    let stream = refused();
    let refusal = |command: &str, code: &str| RecordedRejection {
        command: stamp(command).scoped_command(),
        command_hash: 5,
        answer: serde_json::json!({ "refused": code, "revision": 3 }),
    };
    let basis = store.load(&stream, None).await.unwrap().basis;
    let both = [
        refusal("late-1", "conversation.archived"),
        refusal("late-2", "conversation.archived"),
    ];
    let recorded = store.record_rejections(&stream, &basis, &both).await.unwrap();
    let again = [refusal("late-1", "another")];
    let record = encode_rejections(Uuid::new_v4(), &stream, &recorded.unwrap(), &again, "test").unwrap();
    log.append(stream.partition(PARTITIONS), record).await.unwrap();
}

/// The stream on which the history has fences, a void and bytes of others.
pub(crate) fn fenced() -> StreamId {
    stream(1)
}

async fn add_what_else_there_may_be(store: &LogStore, log: &dyn Log) {
    let stream = fenced();
    let partition = stream.partition(PARTITIONS);
    let before = store.load(&stream, None).await.unwrap().basis;
    for target in [
        FenceTarget::Stream(stream.clone()),
        FenceTarget::Category("conversation".to_owned()),
    ] {
        let fence = encode_fence(Uuid::new_v4(), &target, before.seen, Digest(before.digest), "test");
        log.append(partition, fence.clone()).await.unwrap();
        // The second copy is void.
        log.append(partition, fence).await.unwrap();
    }
    let foreign = Record {
        key: "somebody".into(),
        headers: Vec::new(),
        value: "else".into(),
    };
    log.append(partition, foreign).await.unwrap();
    append(
        store,
        &stream,
        "after-the-fence",
        vec![ConversationEvent::Reopened.into()],
    )
    .await;
    refuse_for_good(store, log).await;
}
