//! cqrs-es: the sequence that is expected stands in the context of the aggregate, the primary key catches a lost race.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{EventStoreAggregateContext, PersistedEventStore};
use cqrs_es::{Aggregate, DomainEvent, EventStore as _};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::measure::{Appender, Plan, Report, measure};

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

pub(crate) async fn run(pool: &PgPool, plan: &Plan) -> Result<Report> {
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
