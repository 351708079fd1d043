//! disintegrate: the version that is expected is the id of the last event that the stream's query has seen. Appends are
//! serializable transactions, and `PostgreSQL` refuses some of them although no other append touched the stream.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use disintegrate::serde::json::Json;
use disintegrate::{Event, EventStore as _, StreamQuery, query};
use disintegrate_postgres::{Error, PgEventId, PgEventStore};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::measure::{Appender, Plan, Report, measure};

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

pub(crate) async fn run(pool: &PgPool, plan: &Plan) -> Result<Report> {
    initialize(pool).await?;
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
async fn initialize(pool: &PgPool) -> Result<()> {
    let unread = (*pool.connect_options())
        .clone()
        .options([("check_function_bodies", "off")]);
    let unread = PgPoolOptions::new().max_connections(1).connect_with(unread).await?;
    let _store: Store = PgEventStore::try_new(unread.clone(), Json::default()).await?;
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
