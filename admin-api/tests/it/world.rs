//! A database of its own, a log in it, a projector over it, and the routes in front.

use std::sync::Arc;
use std::time::Duration;

use admin_api::AdminApi;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use domain::conversation::ConversationEvent;
use domain::{DomainEvent, EventId, StreamId, UserId};
use event_store::postgres::PostgresStore;
use event_store::{AppendToStreamOptions, EventStore as _, NewEvent, StreamState};
use platform::shutdown::Shutdown;
use platform::token::SigningKey;
use projections::{ProjectorOptions, ProjectorService};
use replay_tools::generations::GenerationsSources;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use tower::ServiceExt as _;
use uuid::Uuid;

const PARTITIONS: u32 = 4;
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) store: Arc<PostgresStore>,
    pub(crate) key: SigningKey,
    router: Router,
    projector: Shutdown,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn code(&self) -> &str {
        let (_, rest) = self.text.split_once("\"code\":\"").unwrap_or_default();
        rest.split('"').next().unwrap_or_default()
    }
}

impl World {
    /// With some conversations, and a generation that serves.
    pub(crate) async fn new() -> Self {
        let admin = std::env::var("CODING_AGENT_TEST_POSTGRES").expect("run ./dev test, which starts the servers");
        let database = format!("test_{}", Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&admin).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("create database {database}")))
            .execute(&mut connection)
            .await
            .unwrap();
        let options: PgConnectOptions = admin.parse().unwrap();
        let pool = PgPoolOptions::new()
            .max_connections(12)
            .connect_with(options.database(&database))
            .await
            .unwrap();
        event_store::journal::migrate::migrate(&pool).await.unwrap();
        projections::migrate(&pool).await.unwrap();
        let store = Arc::new(PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap());
        let key = SigningKey::from_secret(&[9; 32]);
        let sources = GenerationsSources {
            store: store.clone(),
            pool: pool.clone(),
            projections: ProjectorOptions::default(),
        };
        let projector = Shutdown::new();
        let service = ProjectorService::new(
            store.clone(),
            pool.clone(),
            ProjectorOptions {
                generations_poll_ms: 10,
                lag_interval_ms: 10,
                ..ProjectorOptions::default()
            },
        );
        let requested = projector.clone();
        tokio::spawn(async move { service.run(requested).await });
        let world = Self {
            router: admin_api::router(AdminApi::new(sources, key.clone(), Shutdown::new())),
            pool,
            store,
            key,
            projector,
        };
        for number in 0..20 {
            world.start_conversation(number).await;
        }
        world.is("read_models_1", "serving").await;
        world
    }

    pub(crate) async fn start_conversation(&self, number: u128) {
        let event = DomainEvent::from(ConversationEvent::Started {
            owner_id: UserId::new(Uuid::nil()),
            title: "A title".to_owned(),
        });
        let encoded = domain::stored::encode(&event);
        let new = NewEvent {
            id: EventId::new(Uuid::new_v4()),
            event_type: encoded.event_type.to_owned(),
            time: chrono::DateTime::UNIX_EPOCH,
            data: encoded.data,
        };
        let stream = StreamId::of("conversation", Uuid::from_u128(number));
        let options = AppendToStreamOptions::anonymous(StreamState::Any);
        self.store.append_to_stream(&stream, &options, vec![new]).await.unwrap();
    }

    pub(crate) fn token(&self, role: &str) -> String {
        self.key.mint(Uuid::from_u128(5), role, Duration::from_mins(5)).unwrap()
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, role: Option<&str>, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(role) = role {
            request = request.header("authorization", format!("Bearer {}", self.token(role)));
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1024 * 1024).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn admin(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask(method, path, Some("admin"), body).await
    }

    /// Waits until a generation is in this state, with nothing missing.
    pub(crate) async fn is(&self, generation: &str, state: &str) {
        let is = async {
            loop {
                let listed = self
                    .ask("GET", "/api/admin/projections", Some("analyst"), "")
                    .await
                    .json();
                let found = listed["generations"].as_array().is_some_and(|all| {
                    all.iter()
                        .any(|one| one["generation"] == generation && one["state"] == state && one["behind"] == 0)
                });
                if found {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, is).await.expect("in time");
    }

    /// What was recorded: types and data.
    pub(crate) async fn record(&self) -> Vec<(String, Value, Value)> {
        sqlx::query_as("select type, data, metadata from journal.events where stream = 'administration-projections' order by revision")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.projector.trigger();
    }
}
