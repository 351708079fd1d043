//! One client, one command at a time: from sending it to the answer that it is accepted. The limit is one durable write
//! of one client to the same server, in turns with it.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Store;
use crate::limit::kafka::{RawProducer, contents, record_like};
use crate::limit::postgres::SingleRows;
use crate::measurement::{Measurement, Target};
use crate::samples::Samples;
use crate::servers::Servers;
use crate::system::{Client, Installation};

const BENCH: &str = "accept";
const WARM_UP: usize = 200;
const ROUNDS: usize = 20;
const COMMANDS_A_ROUND: usize = 100;
const LINGER_MS: &str = "0";

/// Both in rounds, so that a change of the machine's mood meets both.
pub(crate) async fn run(store: Store, servers: &Servers) -> Result<Vec<Measurement>> {
    let installation = Installation::new(store, servers).await?;
    let (instance, _) = installation.start().await?;
    let mut client = Client::connect(&installation, &instance).await?;
    let mut commands = Samples::default();
    for number in 0..WARM_UP {
        accept(&mut client, number).await?;
    }
    let mut write = DurableWrite::new(store, &installation).await?;
    for _ in 0..WARM_UP {
        write.one().await?;
    }
    let mut writes = Samples::default();
    for round in 0..ROUNDS {
        writes.next_round();
        for _ in 0..COMMANDS_A_ROUND {
            writes.add(write.one().await?);
        }
        commands.next_round();
        for number in 0..COMMANDS_A_ROUND {
            commands.add(accept(&mut client, WARM_UP + round * COMMANDS_A_ROUND + number).await?);
        }
    }
    write.remove().await?;
    instance.terminate().await?;
    installation.remove().await?;

    let (limit_name, times) = match store {
        Store::Postgresql => ("one durable insert of a row", 2.0),
        Store::Kafka => ("one produce, acks=all, linger 0", 3.0),
    };
    let name = store.name();
    Ok(vec![
        Measurement::new(BENCH, format!("{name} p50"), commands.p50(), "ms")
            .against(limit_name, writes.p50())
            .wanted(Target::TimesLimit(times)),
        Measurement::new(BENCH, format!("{name} p99"), commands.p99(), "ms").against(limit_name, writes.p99()),
    ])
}

async fn accept(client: &mut Client, number: usize) -> Result<Duration> {
    let body = client.task(number);
    let started = Instant::now();
    let _answer = client.send_task(&body).await?;
    Ok(started.elapsed())
}

/// What accepting a command cannot do without.
enum DurableWrite {
    Postgresql(SingleRows),
    Kafka(RawProducer, Vec<u8>),
}

impl DurableWrite {
    async fn new(store: Store, installation: &Installation) -> Result<Self> {
        let place = &installation.place;
        Ok(match store {
            Store::Postgresql => Self::Postgresql(SingleRows::new(&place.database_url).await?),
            Store::Kafka => {
                // As large as the records that the warm-up has written.
                let record = record_like(contents(&place.brokers, &place.topic)?);
                Self::Kafka(RawProducer::new(&place.brokers, LINGER_MS).await?, record)
            }
        })
    }

    async fn one(&mut self) -> Result<Duration> {
        match self {
            Self::Postgresql(rows) => rows.insert().await,
            Self::Kafka(producer, record) => producer.round_trip(record),
        }
    }

    async fn remove(self) -> Result<()> {
        match self {
            Self::Postgresql(_) => Ok(()),
            Self::Kafka(producer, _) => producer.remove().await,
        }
    }
}
