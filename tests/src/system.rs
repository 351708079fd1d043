//! A whole system: its place on the servers, its key, and its instances.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use platform::token::SigningKey;
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;
use uuid::Uuid;

use crate::client::Client;
use crate::command_line::{CommandLine, Finished};
use crate::deadline::eventually;
use crate::instance::Instance;
use crate::servers::{LogKind, create_database, observer, shared_kafka, shared_postgres};

/// In the folder of the system.
const KEY_FILE: &str = "signing.key";
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// Debug builds on two cores that other tests use too.
const LEVEL_PATIENCE: Duration = Duration::from_mins(2);
/// The importer of all tests: importing again only repeats when the same user asks.
const IMPORTER: Uuid = Uuid::from_u128(0x1337);

/// What a system shall be like.
#[derive(Debug)]
pub struct SystemBuilder {
    log: LogKind,
    postgres: Option<String>,
    password: Option<String>,
    instances: usize,
    environment: Vec<(String, String)>,
}

impl SystemBuilder {
    /// On another `PostgreSQL` than the shared one.
    #[must_use]
    pub fn postgres(mut self, admin_url: String) -> Self {
        self.postgres = Some(admin_url);
        self
    }

    /// With a password in the URL of the database. Private servers trust this machine and look at none.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// With so many instances.
    #[must_use]
    pub fn instances(mut self, count: usize) -> Self {
        self.instances = count;
        self
    }

    /// With a setting, such as `("HTTP__MAX_BODY_BYTES", "1000")`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.environment
            .push((format!("CODING_AGENT__{name}"), value.to_owned()));
        self
    }

    /// Makes the database and the topic, and starts the instances.
    pub async fn start(self) -> System {
        let directory = TempDir::with_prefix("system-").unwrap();
        let database = create_database(&self.postgres.unwrap_or_else(shared_postgres)).await;
        let url = match &self.password {
            Some(password) => database.replacen("postgres@", &format!("postgres:{password}@"), 1),
            None => database.clone(),
        };
        let key_file = directory.path().join(KEY_FILE);
        let mut environment = vec![
            ("CODING_AGENT__POSTGRES__URL".to_owned(), url),
            ("CODING_AGENT__POSTGRES__MAX_CONNECTIONS".to_owned(), "10".to_owned()),
            ("CODING_AGENT__LOG__KIND".to_owned(), self.log.as_str().to_owned()),
            ("CODING_AGENT__LOG__PARTITIONS".to_owned(), "4".to_owned()),
            (
                "CODING_AGENT__AUTH__SIGNING_KEY_FILE".to_owned(),
                key_file.display().to_string(),
            ),
        ];
        if self.log == LogKind::Kafka {
            environment.push(("CODING_AGENT__KAFKA__BROKERS".to_owned(), shared_kafka()));
            environment.push((
                "CODING_AGENT__KAFKA__TOPIC".to_owned(),
                format!("test-{}", Uuid::new_v4()),
            ));
        }
        environment.extend(self.environment);
        let mut system = System {
            log: self.log,
            instances: Vec::new(),
            key: SigningKey::load_or_create(&key_file).unwrap(),
            pool: observer(&database),
            environment,
            directory,
        };
        for _ in 0..self.instances {
            system.add_instance().await;
        }
        system
    }
}

/// A running system. Its processes end when it is dropped.
#[derive(Debug)]
pub struct System {
    log: LogKind,
    instances: Vec<Instance>,
    key: SigningKey,
    pool: PgPool,
    environment: Vec<(String, String)>,
    directory: TempDir,
}

impl System {
    /// A system on this kind of log, with one instance unless said otherwise.
    pub fn on(log: LogKind) -> SystemBuilder {
        SystemBuilder {
            log,
            postgres: None,
            password: None,
            instances: 1,
            environment: Vec::new(),
        }
    }

    /// One more instance on the same database and log.
    pub async fn add_instance(&mut self) {
        self.add("up", self.environment.clone()).await;
    }

    /// One more process on the same database and log, with one role and further settings, such as `("QUERY_API__MAX_DEPTH", "3")`.
    pub async fn add_role(&mut self, role: &'static str, settings: &[(&str, &str)]) {
        let further = settings
            .iter()
            .map(|(name, value)| (format!("CODING_AGENT__{name}"), (*value).to_owned()));
        let environment = self.environment.iter().cloned().chain(further).collect();
        self.add(role, environment).await;
    }

    async fn add(&mut self, role: &'static str, environment: Vec<(String, String)>) {
        let name = format!("instance-{}", self.instances.len());
        let instance = Instance::start(self.directory.path(), &name, role, environment).await;
        self.instances.push(instance);
    }

    /// An instance, counted from 0.
    pub fn instance(&mut self, number: usize) -> &mut Instance {
        &mut self.instances[number]
    }

    /// Where an instance answers.
    pub fn url(&self, number: usize) -> String {
        self.instances[number].url()
    }

    /// The database, seen from outside.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A folder of this system for files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The variables that the instances run with.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// A new user in a role, at the first instance.
    pub fn client(&self, role: &str) -> Client {
        self.client_as(role, Uuid::new_v4())
    }

    /// A certain user in a role, at the first instance.
    pub fn client_as(&self, role: &str, user: Uuid) -> Client {
        Client::new(self.url(0), Some(self.token(role, user, TOKEN_LIFETIME)), user)
    }

    /// A bearer token.
    pub fn token(&self, role: &str, user: Uuid, lifetime: Duration) -> String {
        self.key.mint(user, role, lifetime).unwrap()
    }

    /// A bearer token whose time was over an hour ago; made by hand, since the product makes none.
    pub fn expired_token(&self, role: &str, user: Uuid) -> String {
        let secret = std::fs::read_to_string(self.directory.path().join(KEY_FILE)).unwrap();
        let secret = base64::engine::general_purpose::STANDARD.decode(secret.trim()).unwrap();
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let claims = serde_json::json!({
            "iss": "coding-agent", "aud": "coding-agent", "sub": user, "role": role,
            "iat": now - 7_200, "nbf": now - 7_200, "exp": now - 3_600,
        });
        let key = jsonwebtoken::EncodingKey::from_secret(&secret);
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
    }

    /// The value of the variable whose name ends so.
    pub fn variable(&self, name: &str) -> String {
        let mut environment = self.environment.iter();
        let found = environment.find(|(variable, _)| variable.ends_with(name));
        found.unwrap_or_else(|| panic!("{name} is not set")).1.clone()
    }

    /// A call of the binary as a tool on an instance, with a token of this role.
    pub fn tool(&self, number: usize, role: &str, arguments: &[&str]) -> CommandLine {
        let token = self.token(role, IMPORTER, TOKEN_LIFETIME);
        let variables = [
            ("CODING_AGENT_URL".to_owned(), self.url(number)),
            ("CODING_AGENT_TOKEN".to_owned(), token),
        ];
        CommandLine::new(self.directory.path(), arguments).environment(variables)
    }

    /// An import of a history through an instance, to be started.
    pub fn importer(&self, number: usize, history: &Path, further: &[&str]) -> CommandLine {
        let path = history.to_str().unwrap();
        let arguments: Vec<&str> = ["import", "git", path, "--output", "json"]
            .into_iter()
            .chain(further.iter().copied())
            .collect();
        self.tool(number, "service", &arguments)
    }

    /// Imports the first `commits` of a history through the first instance, and gives the report.
    pub async fn import(&self, history: &Path, commits: usize) -> Value {
        let finished: Finished = self
            .importer(0, history, &["--limit", &commits.to_string()])
            .run()
            .await;
        finished.json()
    }

    /// Waits until no read model is behind the log, as the first instance sees it, and on Kafka neither the journal, which
    /// follows the log by itself.
    pub async fn wait_level(&self) {
        let analyst = self.client("analyst");
        eventually("the read models are level", LEVEL_PATIENCE, || {
            let asked = analyst.request(reqwest::Method::GET, "/api/status").send();
            async move {
                let status = asked.await.ok().filter(|reply| reply.status == 200)?.body;
                let generations = status["generations"].as_array()?;
                let level = generations.iter().all(|generation| generation["lagOffsets"] == 0);
                let level = level && !generations.is_empty() && self.is_journal_at(&status["logEnd"]).await;
                level.then_some(())
            }
        })
        .await;
    }

    async fn is_journal_at(&self, log_end: &Value) -> bool {
        if self.log == LogKind::Postgresql {
            // The journal is the log.
            return true;
        }
        let sql = "select partition, next_offset from journal.checkpoints";
        let checkpoints: Vec<(i32, i64)> = sqlx::query_as(sql).fetch_all(&self.pool).await.unwrap();
        let checkpoints: BTreeMap<String, i64> = checkpoints
            .into_iter()
            .map(|(partition, next)| (partition.to_string(), next))
            .collect();
        let mut ends = log_end.as_object().unwrap().iter();
        ends.all(|(partition, end)| checkpoints.get(partition).copied() >= end.as_i64())
    }
}
