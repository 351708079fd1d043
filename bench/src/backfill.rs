//! A whole history through the command path: commands a second, and how soon the read models are level after the last
//! answer. The limit is the same history put into the same server by a client that decides nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::Store;
use crate::limit;
use crate::measurement::{Measurement, Target};
use crate::processor_time::{Watched, listener};
use crate::samples::median;
use crate::servers::Servers;
use crate::system::{Client, Import, Installation};

const BENCH: &str = "backfill";
const LEVEL_SECONDS: f64 = 1.0;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The median of the rounds counts; each has a new database and a new topic.
pub(crate) async fn run(store: Store, servers: &Servers, history: &Path, rounds: u32) -> Result<Vec<Measurement>> {
    let mut done = Vec::new();
    for _ in 0..rounds {
        done.push(round(store, servers, history).await?);
    }
    let of = |figure: fn(&Round) -> f64| median(done.iter().map(figure).collect());
    let name = store.name();
    let (limit_name, target) = match store {
        Store::Postgresql => ("COPY of the same journal rows", 5_000.0),
        Store::Kafka => ("raw produce of as many records of the mean size", 15_000.0),
    };
    let mut measurements = vec![
        Measurement::new(BENCH, format!("{name} import"), of(|round| round.rate), "commands/s")
            .against(limit_name, of(|round| round.limit))
            .wanted(Target::AtLeast(target)),
        Measurement::new(
            BENCH,
            format!("{name} read models level after"),
            of(|round| round.level),
            "s",
        )
        .wanted(Target::AtMost(LEVEL_SECONDS)),
        Measurement::new(
            BENCH,
            format!("{name} import until level"),
            of(|round| round.rate_until_level),
            "commands/s",
        ),
        Measurement::new(
            BENCH,
            format!("{name} commands"),
            of(|round| round.commands),
            "commands",
        ),
    ];
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (user, seconds) in done.iter().flat_map(|round| &round.processor_time) {
        times.entry(user).or_default().push(*seconds);
    }
    for (user, seconds) in times {
        let case = format!("{name} processor: {user}");
        measurements.push(Measurement::new(BENCH, case, median(seconds), "s"));
    }
    Ok(measurements)
}

struct Round {
    commands: f64,
    /// Commands a second until the last answer.
    rate: f64,
    rate_until_level: f64,
    /// Seconds from the last answer until the read models were level.
    level: f64,
    /// Commands a second.
    limit: f64,
    /// Until the read models were level.
    processor_time: Vec<(String, f64)>,
}

async fn round(store: Store, servers: &Servers, history: &Path) -> Result<Round> {
    let installation = Installation::new(store, servers).await?;
    let (instance, _) = installation.start().await?;
    let mut client = Client::connect(&installation, &instance).await?;
    let (postgres_port, kafka_port) = servers.ports();
    let watched = Watched {
        program: instance.pid()?,
        program_name: "coding-agent",
        postgres: postgres_port.and_then(listener),
        kafka: kafka_port.and_then(listener),
    };

    let before = watched.now();
    let import = Import {
        installation: &installation,
        instance: &instance,
        history,
    };
    let report = import.run().await?;
    let level = client.wait_level(LOOK_EVERY).await?;
    let processor_time = watched.now().since(&before);

    instance.terminate().await?;
    let limit = limit_seconds(store, &installation).await?;
    installation.remove().await?;

    // Far below the 2^52 where a double begins to count in steps.
    #[allow(clippy::cast_precision_loss)]
    let commands = report.commands as f64;
    Ok(Round {
        commands,
        rate: commands / report.seconds,
        rate_until_level: commands / (report.seconds + level.as_secs_f64()),
        level: level.as_secs_f64(),
        limit: commands / limit.as_secs_f64(),
        processor_time,
    })
}

/// How long the server takes for what the import has left in it.
async fn limit_seconds(store: Store, installation: &Installation) -> Result<Duration> {
    let place = &installation.place;
    match store {
        Store::Postgresql => Ok(limit::postgres::copy_of_journal(&place.database_url).await?.1),
        Store::Kafka => {
            let contents = limit::kafka::contents(&place.brokers, &place.topic)?;
            limit::kafka::produce_like(&place.brokers, contents).await
        }
    }
}
