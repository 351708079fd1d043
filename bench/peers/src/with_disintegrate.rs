//! disintegrate. Appending: the version that is expected is the id of the last event that the stream's query has seen. Appends are
//! serializable transactions, and `PostgreSQL` refuses some of them although no other append touched the stream.
//! Rebuilding: a listener that starts at the beginning and writes its own SQL, one statement an event.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use disintegrate::serde::json::Json;
use disintegrate::{Event, EventListener, EventStore as _, PersistedEvent, StreamQuery, query};
use disintegrate_postgres::{Error, PgEventId, PgEventListener, PgEventListenerConfig, PgEventStore};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::measure::{Appender, Plan, Report, measure};
use crate::rebuild::{self, TaskEvent};

/// After so many refusals in a row something else is wrong.
const ATTEMPTS: u64 = 10_000;

/// The crate writes `0xFFFFFFFF`, which `PostgreSQL` reads since version 16. This is its function with the same number in decimal.
const BEGIN_EPOCH: &str = "create or replace function event_store_begin_epoch() returns void as $$
declare
    id bigint;
    db_id int;
begin
    select last_value into id from seq_event_event_id;
    select oid into db_id from pg_database where datname = current_database();
    perform pg_try_advisory_xact_lock_shared(db_id, 0);
    perform pg_try_advisory_xact_lock_shared(1, (id & 4294967295)::bit(32)::integer);
    perform pg_try_advisory_xact_lock_shared(2, (id >> 32)::bit(32)::integer);
end;
$$ language plpgsql";

type Store = PgEventStore<Noted, Json<Noted>>;

pub(crate) async fn append(pool: &PgPool, plan: &Plan) -> Result<Report> {
    initialize::<Noted>(pool).await?;
    let store: Store = PgEventStore::new_uninitialized(pool.clone(), Json::default());
    let text = "x".repeat(plan.bytes);
    measure(plan, |_| Client {
        store: store.clone(),
        text: text.clone(),
        versions: HashMap::new(),
    })
    .await
}

/// By the crate, and then so that older servers can run it: they take the function unread, and get a readable one.
async fn initialize<E: Event + Clone + Send + Sync + 'static>(pool: &PgPool) -> Result<()>
where
    Json<E>: disintegrate::serde::Serde<E> + Clone + Send + Sync + 'static,
{
    let unread = (*pool.connect_options())
        .clone()
        .options([("check_function_bodies", "off")]);
    let unread = PgPoolOptions::new().max_connections(1).connect_with(unread).await?;
    let _store: PgEventStore<E, Json<E>> = PgEventStore::try_new(unread.clone(), Json::default()).await?;
    unread.close().await;
    sqlx::query(BEGIN_EPOCH).execute(pool).await?;
    Ok(())
}

struct Client {
    store: Store,
    text: String,
    versions: HashMap<usize, PgEventId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
enum Noted {
    NoteWritten {
        #[id]
        note_id: String,
        text: String,
    },
}

impl Appender for Client {
    async fn append(&mut self, stream: usize) -> Result<u64> {
        let note_id = format!("stream-{stream}");
        let expected = self.versions.get(&stream).copied().unwrap_or_default();
        for retries in 0..ATTEMPTS {
            let history: StreamQuery<PgEventId, Noted> = query!(Noted; note_id == note_id);
            let event = Noted::NoteWritten {
                note_id: note_id.clone(),
                text: self.text.clone(),
            };
            match self.store.append(vec![event], history, expected).await {
                Ok(persisted) => {
                    let last = persisted.last().context("nothing was persisted")?;
                    self.versions.insert(stream, last.id());
                    return Ok(retries);
                }
                Err(Error::Concurrency) => {}
                // The serialization failure of a statement before the commit comes under its own name.
                Err(Error::Database(error))
                    if error
                        .as_database_error()
                        .is_some_and(|database| database.code().as_deref() == Some("40001")) => {}
                Err(error) => return Err(error.into()),
            }
        }
        bail!("{ATTEMPTS} appends in a row were refused")
    }
}

/// A listener that sees nothing for so long is broken.
const SILENCE: Duration = Duration::from_secs(60);

/// The row of a task; each event changes it by one statement, as in the project's examples.
const TASK_TABLE: &str = "create table task (
    id text primary key,
    title text not null,
    owner_id text not null,
    status text not null,
    task_type text,
    complexity text,
    attempts bigint not null,
    lines_added bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
)";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
enum Happened {
    TaskHappened {
        #[id]
        task_id: String,
        event: TaskEvent,
    },
}

/// Appending the events is not measured.
pub(crate) async fn rebuild(pool: &PgPool, streams: Vec<Vec<TaskEvent>>) -> Result<rebuild::Report> {
    initialize::<Happened>(pool).await?;
    sqlx::query(TASK_TABLE).execute(pool).await?;
    let store: PgEventStore<Happened, Json<Happened>> = PgEventStore::new_uninitialized(pool.clone(), Json::default());
    let mut events = 0;
    for stream in streams {
        let Some(first) = stream.first() else { continue };
        let task_id = first.stream.clone();
        let history: StreamQuery<PgEventId, Happened> = query!(Happened; task_id == task_id);
        events += stream.len() as u64;
        let happened = stream.into_iter().map(|event| Happened::TaskHappened {
            task_id: task_id.clone(),
            event,
        });
        store.append(happened.collect(), history, PgEventId::default()).await?;
    }
    let (handled, mut progress) = mpsc::unbounded_channel();
    let tasks = Tasks {
        pool: pool.clone(),
        query: query!(Happened),
        handled,
    };
    let ending = Arc::new(Notify::new());
    let ended = Arc::clone(&ending);
    let listener = PgEventListener::builder(store)
        .register_listener(tasks, PgEventListenerConfig::poller(Duration::from_millis(10)));
    let started = Instant::now();
    let listening = tokio::spawn(listener.start_with_shutdown(async move { ended.notified().await }));
    for _ in 0..events {
        let seen = timeout(SILENCE, progress.recv())
            .await
            .context("the listener has fallen silent")?;
        seen.context("the listener has ended")?;
    }
    let taken = started.elapsed();
    ending.notify_one();
    listening.await??;
    let counted = sqlx::query_as("select count(*), count(*) filter (where status = 'completed') from task")
        .fetch_one(pool)
        .await?;
    Ok(rebuild::Report::new(events, taken, counted))
}

struct Tasks {
    pool: PgPool,
    query: StreamQuery<PgEventId, Happened>,
    handled: mpsc::UnboundedSender<()>,
}

#[async_trait]
impl EventListener<PgEventId, Happened> for Tasks {
    type Error = sqlx::Error;

    fn id(&self) -> &'static str {
        "tasks"
    }

    fn query(&self) -> &StreamQuery<PgEventId, Happened> {
        &self.query
    }

    async fn handle(&self, event: PersistedEvent<PgEventId, Happened>) -> Result<(), sqlx::Error> {
        let Happened::TaskHappened { task_id, event } = event.into_inner();
        let text = |name: &str| {
            event
                .data
                .get(name)
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned)
        };
        let statement = match event.event_type.as_str() {
            "task.created.v1" => sqlx::query(
                "insert into task values ($1, $3, $4, 'pending', null, null, 0, 0, $2::timestamptz, $2::timestamptz)",
            )
            .bind(&task_id)
            .bind(&event.time)
            .bind(text("title"))
            .bind(text("ownerId")),
            "task.classified.v1" => {
                sqlx::query("update task set task_type = $3, complexity = $4, updated_at = $2::timestamptz where id = $1")
                    .bind(&task_id)
                    .bind(&event.time)
                    .bind(text("type"))
                    .bind(text("complexity"))
            }
            "task.execution-started.v1" => sqlx::query(
                "update task set status = 'in-progress', attempts = attempts + 1, updated_at = $2::timestamptz where id = $1",
            )
            .bind(&task_id)
            .bind(&event.time),
            _ => sqlx::query(
                "update task set status = 'completed', lines_added = $3, updated_at = $2::timestamptz where id = $1",
            )
            .bind(&task_id)
            .bind(&event.time)
            .bind(event.data.get("linesAdded").and_then(serde_json::Value::as_i64)),
        };
        statement.execute(&self.pool).await?;
        // Nobody counts any more when the measurement has failed.
        let _gone = self.handled.send(());
        Ok(())
    }
}
