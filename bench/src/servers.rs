//! The servers that `./dev bench` has started, and a place of its own on them for each measurement.

use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

/// As the log has by default.
pub(crate) const PARTITIONS: i32 = 16;
const ADMIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Where `PostgreSQL` and Kafka are.
#[derive(Debug)]
pub(crate) struct Servers {
    postgres_admin: String,
    kafka: String,
}

/// A database and the name of a topic; both are removed at the end.
#[derive(Debug)]
pub(crate) struct Place {
    admin: String,
    database: String,
    pub(crate) database_url: String,
    pub(crate) brokers: String,
    pub(crate) topic: String,
}

impl Servers {
    pub(crate) fn of_environment() -> Result<Self> {
        let read = |name| std::env::var(name).context("run ./dev bench, which starts the servers");
        Ok(Self {
            postgres_admin: read("CODING_AGENT_TEST_POSTGRES")?,
            kafka: read("CODING_AGENT_TEST_KAFKA")?,
        })
    }

    /// The ports that the two listen on.
    pub(crate) fn ports(&self) -> (Option<u16>, Option<u16>) {
        let postgres = self.postgres_admin.rsplit_once('/').map_or("", |(server, _)| server);
        (port(postgres), port(&self.kafka))
    }

    pub(crate) async fn new_place(&self) -> Result<Place> {
        let id = Uuid::new_v4().simple().to_string();
        let database = format!("bench_{id}");
        let (server, _) = self
            .postgres_admin
            .rsplit_once('/')
            .context("CODING_AGENT_TEST_POSTGRES must end with /DATABASE")?;
        let place = Place {
            admin: self.postgres_admin.clone(),
            database_url: format!("{server}/{database}"),
            database,
            brokers: self.kafka.clone(),
            topic: format!("bench-{id}"),
        };
        place.administer("create database", "").await?;
        Ok(place)
    }
}

impl Place {
    /// Nobody may use it any more.
    pub(crate) async fn remove(self) -> Result<()> {
        self.administer("drop database", "with (force)").await?;
        remove_topic(&self.brokers, &self.topic).await
    }

    async fn administer(&self, verb: &str, option: &str) -> Result<()> {
        let mut connection = PgConnection::connect(&self.admin).await.context("no PostgreSQL")?;
        let statement = format!("{verb} {} {option}", self.database);
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

pub(crate) async fn create_topic(brokers: &str, topic: &str, partitions: i32) -> Result<()> {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    for outcome in admin(brokers)?.create_topics([&new], &options()).await? {
        outcome.map_err(|(name, code)| anyhow::anyhow!("topic {name} cannot be made: {code}"))?;
    }
    Ok(())
}

/// One that is not there is no error: on `PostgreSQL` none was made.
pub(crate) async fn remove_topic(brokers: &str, topic: &str) -> Result<()> {
    let _outcomes = admin(brokers)?.delete_topics(&[topic], &options()).await?;
    Ok(())
}

fn admin(brokers: &str) -> Result<AdminClient<DefaultClientContext>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    Ok(config.create()?)
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .operation_timeout(Some(ADMIN_TIMEOUT))
        .request_timeout(Some(ADMIN_TIMEOUT))
}

fn port(address: &str) -> Option<u16> {
    address.rsplit_once(':')?.1.parse().ok()
}
