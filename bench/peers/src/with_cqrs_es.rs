//! cqrs-es. Appending: the sequence that is expected stands in the context of the aggregate, the primary key catches a lost race.
//! Rebuilding: its `QueryReplay` of all events into a `GenericQuery` with a view of its own table.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{EventStoreAggregateContext, GenericQuery, PersistedEventStore, QueryReplay};
use cqrs_es::{Aggregate, DomainEvent, EventEnvelope, EventStore as _, View};
use postgres_es::{PostgresEventRepository, PostgresViewRepository};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::measure::{Appender, Plan, Report, measure};
use crate::rebuild::{self, TaskEvent, TaskRow};

/// From the crate's `db/init.sql`.
const EVENTS_TABLE: &str = "create table events (
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint check (sequence >= 0) not null,
    event_type text not null,
    event_version text not null,
    payload json not null,
    metadata json not null,
    primary key (aggregate_type, aggregate_id, sequence)
)";

pub(crate) async fn append(pool: &PgPool, plan: &Plan) -> Result<Report> {
    sqlx::query(EVENTS_TABLE).execute(pool).await?;
    let repository = PostgresEventRepository::new(pool.clone());
    let store = Arc::new(PersistedEventStore::<_, Noted>::new_event_store(repository));
    let text = "x".repeat(plan.bytes);
    measure(plan, |_| Client {
        store: Arc::clone(&store),
        text: text.clone(),
        sequences: HashMap::new(),
    })
    .await
}

struct Client {
    store: Arc<PersistedEventStore<PostgresEventRepository, Noted>>,
    text: String,
    sequences: HashMap<usize, usize>,
}

impl Appender for Client {
    async fn append(&mut self, stream: usize) -> Result<u64> {
        let sequence = self.sequences.entry(stream).or_default();
        let context = EventStoreAggregateContext {
            aggregate_id: format!("stream-{stream}"),
            aggregate: Noted::default(),
            current_sequence: *sequence,
            current_snapshot: None,
        };
        let event = Note {
            text: self.text.clone(),
        };
        let committed = self.store.commit(vec![event], context, HashMap::new()).await?;
        *sequence = committed.last().context("nothing was committed")?.sequence;
        Ok(0)
    }
}

/// The aggregate decides nothing here: only the store is measured.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Noted {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    text: String,
}

impl DomainEvent for Note {
    fn event_type(&self) -> String {
        "note.written".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Noted {
    const TYPE: &'static str = "note";
    type Command = ();
    type Event = Note;
    type Error = std::convert::Infallible;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), _sink: &EventSink<Self>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, _event: Note) {}
}

/// From the crate's `db/init.sql`.
const VIEW_TABLE: &str = "create table task_view (
    view_id text not null,
    version bigint check (version >= 0) not null,
    payload json not null,
    primary key (view_id)
)";

/// Appending the events is not measured.
pub(crate) async fn rebuild(pool: &PgPool, streams: Vec<Vec<TaskEvent>>) -> Result<rebuild::Report> {
    sqlx::query(EVENTS_TABLE).execute(pool).await?;
    sqlx::query(VIEW_TABLE).execute(pool).await?;
    let repository = PostgresEventRepository::new(pool.clone());
    let store = PersistedEventStore::<_, Task>::new_event_store(repository);
    let mut events = 0;
    for stream in streams {
        let Some(first) = stream.first() else { continue };
        let context = EventStoreAggregateContext {
            aggregate_id: first.stream.clone(),
            aggregate: Task::default(),
            current_sequence: 0,
            current_snapshot: None,
        };
        events += stream.len() as u64;
        store.commit(stream, context, HashMap::new()).await?;
    }
    let views = PostgresViewRepository::<TaskRow, Task>::new("task_view", pool.clone());
    let failures = Arc::new(AtomicU64::new(0));
    let mut query = GenericQuery::new(Arc::new(views));
    query.use_error_handler(count_into(&failures));
    let mut replay = QueryReplay::new(PostgresEventRepository::new(pool.clone()), query);
    replay.use_error_handler(count_into(&failures));
    let started = Instant::now();
    replay.replay_all().await?;
    let taken = started.elapsed();
    ensure!(failures.load(Ordering::Relaxed) == 0, "events could not be replayed");
    let counted =
        sqlx::query_as("select count(*), count(*) filter (where payload->>'status' = 'completed') from task_view")
            .fetch_one(pool)
            .await?;
    Ok(rebuild::Report::new(events, taken, counted))
}

fn count_into(failures: &Arc<AtomicU64>) -> Box<cqrs_es::persist::QueryErrorHandler> {
    let failures = Arc::clone(failures);
    Box::new(move |error| {
        eprintln!("{error}");
        failures.fetch_add(1, Ordering::Relaxed);
    })
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Task {}

impl DomainEvent for TaskEvent {
    fn event_type(&self) -> String {
        self.event_type.clone()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Task {
    const TYPE: &'static str = "task";
    type Command = ();
    type Event = TaskEvent;
    type Error = std::convert::Infallible;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), _sink: &EventSink<Self>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, _event: TaskEvent) {}
}

impl View<Task> for TaskRow {
    fn update(&mut self, event: &EventEnvelope<Task>) {
        self.apply(&event.payload);
    }
}
