//! Other event stores beside ours on one machine, one database server and the same events: appends that expect the
//! version of their stream, from 1 and from 64 clients, in turns.
//!
//! Peers are programs of their own (`bench/peers/`), so that what they depend on stays out of the platform. After each
//! measurement the rows in the database are counted: an append that was answered and is not there would be worth nothing.

mod ours;
mod program;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::measurement::Measurement;
use crate::samples::median;
use crate::servers::{Place, Servers};
pub(crate) use program::PeerProgram;

const BENCH: &str = "peers";
const STREAMS: usize = 10_000;
const CLIENTS: [usize; 2] = [1, 64];

/// An event store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventStore {
    OursOnPostgresql,
    OursOnKafka,
    CqrsEs,
    Disintegrate,
    Emmett,
}

const ALL: [EventStore; 5] = [
    EventStore::OursOnPostgresql,
    EventStore::OursOnKafka,
    EventStore::CqrsEs,
    EventStore::Disintegrate,
    EventStore::Emmett,
];

/// What came of one measurement.
struct Round {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// For each append.
    retries: f64,
}

/// Each measurement has an empty database.
pub(crate) async fn run(servers: &Servers, window: Duration, turns: u32) -> Result<Vec<Measurement>> {
    let mut rounds: Vec<(EventStore, usize, Vec<Round>)> = Vec::new();
    for clients in CLIENTS {
        rounds.extend(ALL.map(|store| (store, clients, Vec::new())));
    }
    for _ in 0..turns {
        for (store, clients, rounds) in &mut rounds {
            let context = || format!("{} with {clients} clients", store.name());
            rounds.push(store.measure(*clients, servers, window).await.with_context(context)?);
        }
    }
    let rows = |(store, clients, rounds): &(EventStore, usize, Vec<Round>)| {
        let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
        let case = match clients {
            1 => format!("{}, 1 client", store.name()),
            _ => format!("{}, {clients} clients", store.name()),
        };
        [
            Measurement::new(BENCH, case.as_str(), of(|round| round.per_second), "appends/s"),
            Measurement::new(BENCH, format!("{case} p50"), of(|round| round.p50_ms), "ms"),
            Measurement::new(BENCH, format!("{case} p99"), of(|round| round.p99_ms), "ms"),
            Measurement::new(BENCH, format!("{case} repeated"), of(|round| round.retries), "for each"),
        ]
    };
    Ok(rounds.iter().flat_map(rows).collect())
}

impl EventStore {
    /// Versions of peers are those of their lock files.
    fn name(self) -> &'static str {
        match self {
            Self::OursOnPostgresql => "ours on PostgreSQL",
            Self::OursOnKafka => "ours on Kafka",
            Self::CqrsEs => "cqrs-es 0.5.0",
            Self::Disintegrate => "disintegrate 4.0.0",
            Self::Emmett => "Emmett 0.42.0",
        }
    }

    /// Counts its events.
    fn count(self) -> &'static str {
        match self {
            Self::OursOnPostgresql | Self::OursOnKafka => "select count(*) from journal.events",
            Self::CqrsEs => "select count(*) from events",
            Self::Disintegrate => "select count(*) from event",
            Self::Emmett => "select count(*) from emt_messages",
        }
    }

    async fn measure(self, clients: usize, servers: &Servers, window: Duration) -> Result<Round> {
        let place = servers.new_place().await?;
        let plan = program::Plan {
            streams: STREAMS,
            clients,
            window,
        };
        let (appended, round) = match self {
            Self::OursOnPostgresql => ours::on_postgresql(&plan, &place, servers).await?,
            Self::OursOnKafka => ours::on_kafka(&plan, &place, servers).await?,
            Self::CqrsEs => PeerProgram::rust("append", "cqrs-es")?.append(&plan, &place).await?,
            Self::Disintegrate => {
                PeerProgram::rust("append", "disintegrate")?
                    .append(&plan, &place)
                    .await?
            }
            Self::Emmett => PeerProgram::node("append.js")?.append(&plan, &place).await?,
        };
        self.check(&place, appended).await?;
        place.remove().await?;
        Ok(round)
    }

    async fn check(self, place: &Place, appended: u64) -> Result<()> {
        let mut connection = PgConnection::connect(&place.database_url).await?;
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(self.count()))
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        ensure!(
            u64::try_from(rows)? == appended,
            "{appended} appends succeeded, but the database has {rows} events"
        );
        Ok(())
    }
}
