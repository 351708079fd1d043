//! The system under test: three brokers, `PostgreSQL`, nodes, and a link that can be disturbed on each way between them.

mod clock;
mod node;
mod small_disk;
mod striking;
mod tokens;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::task::spawn_blocking;
use xtask::services::free_port::free_ports;
use xtask::services::kafka::{ClientListener, PrivateKafka};
use xtask::services::postgres::PrivatePostgres;

use crate::link::Link;
use crate::nemesis::Nemesis;
use clock::ShiftedClock;
use node::{Launch, Node};
use small_disk::SmallDisk;

pub use striking::Inflicted;
pub use tokens::Tokens;

/// The name of the log.
pub const TOPIC: &str = "faults";
/// The database of the nodes.
const DATABASE: &str = "platform";
/// A record is safe on two of three.
const BROKERS: u16 = 3;
const PARTITIONS: u32 = 4;
/// Debug builds on two cores, all at once.
const START_PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(50);
/// The log that is written between two checkpoints must fit on the small disk many times.
const SMALL_WAL: &str = "alter system set max_wal_size = '256MB'";

/// What a system shall be like.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Where everything is kept; made when missing.
    pub directory: PathBuf,
    /// The binary of the platform.
    pub program: PathBuf,
    /// How many nodes.
    pub nodes: usize,
    /// Whether negative answers are recorded and final.
    pub strict: bool,
    /// What it must be prepared for.
    pub nemeses: Vec<Nemesis>,
}

/// A running system. Its processes end, and its mounts go, when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    // In the order in which they must go.
    nodes: Vec<Node>,
    postgres_links: Vec<Link>,
    kafka_links: Vec<Link>,
    pool: PgPool,
    kafka: Arc<Mutex<PrivateKafka>>,
    postgres: Arc<Mutex<PrivatePostgres>>,
    disk: Option<Arc<SmallDisk>>,
    tokens: Tokens,
    environment: Vec<(String, String)>,
    skipped: BTreeMap<Nemesis, String>,
    options: ClusterOptions,
}

impl Cluster {
    /// Starts all of it and waits until every node is ready.
    pub async fn start(options: ClusterOptions) -> Result<Self> {
        let directory = &options.directory;
        std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let mut skipped = BTreeMap::new();
        let mut disk = options
            .wants(Nemesis::PostgresDiskFull)
            .then(|| small_disk(&directory.join("postgres")))
            .and_then(|mounted| noted(mounted, Nemesis::PostgresDiskFull, &mut skipped));
        let library = options
            .wants(Nemesis::ClockJump)
            .then(|| clock::library().context("libfaketime is not installed (Debian: apt-get install libfaketime)"))
            .and_then(|found| noted(found, Nemesis::ClockJump, &mut skipped));

        let (kafka, kafka_links, postgres) = start_servers(directory).await?;
        if PrivatePostgres::is_elsewhere(&directory.join("postgres")) && disk.take().is_some() {
            let reason = "the account of PostgreSQL cannot reach the run's directory".to_owned();
            skipped.insert(Nemesis::PostgresDiskFull, reason);
        }
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy(&postgres.url_of(DATABASE))?;
        if disk.is_some() {
            sqlx::query(SMALL_WAL).execute(&pool).await?;
            sqlx::query("select pg_reload_conf()").execute(&pool).await?;
        }
        let key_file = directory.join("signing.key");
        let tokens = Tokens::with_key_in(&key_file)?;
        let brokers: Vec<String> = kafka_links
            .iter()
            .map(|link| format!("127.0.0.1:{}", link.port()))
            .collect();
        let environment = environment(&brokers.join(","), &key_file, options.strict);
        let mut cluster = Self {
            nodes: Vec::new(),
            postgres_links: Vec::new(),
            kafka_links,
            pool,
            tokens,
            environment,
            skipped,
            kafka: Arc::new(Mutex::new(kafka)),
            postgres: Arc::new(Mutex::new(postgres)),
            disk: disk.map(Arc::new),
            options,
        };
        for number in 0..cluster.options.nodes {
            cluster.add_node(number, library.as_deref()).await?;
        }
        cluster.wait_ready(START_PATIENCE).await?;
        Ok(cluster)
    }

    async fn add_node(&mut self, number: usize, library: Option<&Path>) -> Result<()> {
        let target = locked(&self.postgres).port();
        let link = Link::open(0, target).await?;
        let directory = self.options.directory.clone();
        let file = directory.join(format!("node-{number}.clock"));
        let clock = library
            .map(|library| ShiftedClock::right(library.to_owned(), file))
            .transpose()?;
        let mut environment = self.environment.clone();
        environment.push(postgres_url(&format!(
            "postgres://postgres@127.0.0.1:{}/{DATABASE}",
            link.port()
        )));
        let launch = Launch {
            program: self.options.program.clone(),
            directory,
            environment,
            clock,
        };
        self.nodes.push(Node::start(&format!("node-{number}"), launch)?);
        self.postgres_links.push(link);
        Ok(())
    }

    /// Waits until all nodes say that all their parts are up.
    pub async fn wait_ready(&self, patience: Duration) -> Result<()> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(2))
            .no_proxy()
            .build()?;
        let deadline = Instant::now() + patience;
        for node in &self.nodes {
            let address = format!("{}/health/ready", node.url());
            let ready = || async {
                http.get(&address)
                    .send()
                    .await
                    .is_ok_and(|answer| answer.status().is_success())
            };
            while !ready().await {
                if Instant::now() >= deadline {
                    bail!(
                        "a node is not ready after {patience:?}; see {}",
                        node.log_file().display()
                    );
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Where the nodes answer.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Node::url).collect()
    }

    /// For callers of the nodes.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The database, not through a link.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// What cannot be inflicted here, and why.
    pub fn skipped(&self) -> &BTreeMap<Nemesis, String> {
        &self.skipped
    }

    /// How often nodes ended although nobody had killed them.
    pub fn own_ends(&self) -> u64 {
        self.nodes.iter().map(Node::own_ends).sum()
    }

    /// What the links did: connections cut, answers lost.
    pub fn damage(&self) -> (u64, u64) {
        let links = self.kafka_links.iter().chain(&self.postgres_links);
        links
            .map(Link::damage)
            .fold((0, 0), |sum, damage| (sum.0 + damage.0, sum.1 + damage.1))
    }

    /// The brokers, not through a link.
    pub fn bootstrap(&self) -> String {
        locked(&self.kafka).bootstrap()
    }

    /// The settings of a node whose ways to the servers are never disturbed, for tools.
    pub fn undisturbed_environment(&self) -> Vec<(String, String)> {
        let mut environment = self.environment.clone();
        environment.push(postgres_url(&locked(&self.postgres).url_of(DATABASE)));
        environment.push(("CODING_AGENT__KAFKA__BROKERS".to_owned(), self.bootstrap()));
        environment
    }

    /// Unmounts what killed runs below this directory have left.
    pub fn sweep(directory: &Path) -> Result<()> {
        SmallDisk::sweep(directory)
    }
}

impl ClusterOptions {
    fn wants(&self, nemesis: Nemesis) -> bool {
        self.nemeses.contains(&nemesis)
    }
}

/// Nothing in the servers is kept, so they need not close in order.
impl Drop for Cluster {
    fn drop(&mut self) {
        self.nodes.clear();
        let mut kafka = locked(&self.kafka);
        let killed = (1..=kafka.brokers()).try_for_each(|broker| kafka.kill(broker));
        if let Err(error) = killed.and_then(|()| locked(&self.postgres).kill()) {
            eprintln!("a server stays behind: {error:#}");
        }
    }
}

async fn start_servers(directory: &Path) -> Result<(PrivateKafka, Vec<Link>, PrivatePostgres)> {
    let mut links = Vec::new();
    let mut listeners = Vec::new();
    for port in free_ports(usize::from(BROKERS))? {
        let link = Link::open(0, port).await?;
        listeners.push(ClientListener {
            port,
            advertised_port: link.port(),
        });
        links.push(link);
    }
    let place = directory.join("kafka");
    let kafka = spawn_blocking(move || PrivateKafka::start_behind(&place, &listeners));
    let place = directory.join("postgres");
    let postgres = spawn_blocking(move || {
        let postgres = PrivatePostgres::start(&place, 0)?;
        postgres.create_database(DATABASE)?;
        anyhow::Ok(postgres)
    });
    let (kafka, postgres) = tokio::join!(kafka, postgres);
    Ok((kafka??, links, postgres??))
}

fn environment(brokers: &str, key_file: &Path, strict: bool) -> Vec<(String, String)> {
    let partitions = PARTITIONS.to_string();
    let key_file = key_file.display().to_string();
    let settings = [
        ("POSTGRES__MAX_CONNECTIONS", "10"),
        ("LOG__KIND", "kafka"),
        ("LOG__PARTITIONS", &partitions),
        ("KAFKA__BROKERS", brokers),
        ("KAFKA__TOPIC", TOPIC),
        ("KAFKA__REPLICATION_FACTOR", "3"),
        ("KAFKA__MIN_INSYNC_REPLICAS", "2"),
        ("AUTH__SIGNING_KEY_FILE", &key_file),
        (
            "COMMAND_API__HANDLING__STRICT_REJECTIONS",
            if strict { "true" } else { "false" },
        ),
    ];
    let settings = settings.into_iter();
    settings
        .map(|(name, value)| (format!("CODING_AGENT__{name}"), value.to_owned()))
        .collect()
}

fn postgres_url(url: &str) -> (String, String) {
    ("CODING_AGENT__POSTGRES__URL".to_owned(), url.to_owned())
}

fn small_disk(directory: &Path) -> Result<SmallDisk> {
    if !rustix::process::geteuid().is_root() {
        bail!("only root may mount a small file system");
    }
    SmallDisk::mount(directory)
}

/// What could not be prepared is skipped, with its reason.
fn noted<T>(prepared: Result<T>, nemesis: Nemesis, skipped: &mut BTreeMap<Nemesis, String>) -> Option<T> {
    prepared
        .map_err(|error| skipped.insert(nemesis, format!("{error:#}")))
        .ok()
}

fn locked<T>(server: &Mutex<T>) -> MutexGuard<'_, T> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}
