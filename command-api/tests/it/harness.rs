//! A command API on a database of its own, and clients of it.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use command_api::{BODY_LIMITS, CommandApi, CommandApiOptions, router};
use domain::StreamId;
use event_store::postgres::PostgresStore;
use event_store::snapshot::PostgresSnapshots;
use event_store::{EventStore, ReadStreamOptions, RecordedEvent};
use futures::StreamExt;
use platform::http::{HttpOptions, with_standard_layers};
use platform::shutdown::Shutdown;
use platform::token::SigningKey;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) const SECRET: [u8; 32] = [7; 32];

/// One node with a store of its own.
pub(crate) struct TestApi {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) pool: PgPool,
    pub(crate) api: CommandApi,
    app: Router,
}

impl TestApi {
    pub(crate) async fn start() -> Self {
        Self::with_options(CommandApiOptions::default()).await
    }

    pub(crate) async fn with_options(options: CommandApiOptions) -> Self {
        let (store, pool) = fresh_store().await;
        Self::over(Arc::new(store), pool, options)
    }

    /// A node that can be asked to stop.
    pub(crate) async fn stopping_with(shutdown: Shutdown) -> Self {
        let (store, pool) = fresh_store().await;
        Self::assemble(Arc::new(store), pool, CommandApiOptions::default(), shutdown)
    }

    /// A node over a store that exists already.
    pub(crate) fn over(store: Arc<dyn EventStore>, pool: PgPool, options: CommandApiOptions) -> Self {
        Self::assemble(store, pool, options, Shutdown::new())
    }

    fn assemble(store: Arc<dyn EventStore>, pool: PgPool, options: CommandApiOptions, shutdown: Shutdown) -> Self {
        let api = CommandApi::new(
            Arc::clone(&store),
            Arc::new(PostgresSnapshots::new(pool.clone())),
            options,
            SigningKey::from_secret(&SECRET),
        );
        let api = api.stopping_with(shutdown);
        let app = with_standard_layers(router(api.clone()), &HttpOptions::default(), BODY_LIMITS);
        Self { store, pool, api, app }
    }

    /// Another node over the same store.
    pub(crate) fn second_node(&self) -> Self {
        Self::over(Arc::clone(&self.store), self.pool.clone(), CommandApiOptions::default())
    }

    pub(crate) fn client(&self, role: &str) -> Client {
        self.client_as(role, Uuid::new_v4())
    }

    pub(crate) fn client_as(&self, role: &str, id: Uuid) -> Client {
        let token = SigningKey::from_secret(&SECRET)
            .mint(id, role, Duration::from_mins(10))
            .unwrap();
        Client {
            app: self.app.clone(),
            id,
            authorization: Some(format!("Bearer {token}")),
        }
    }

    pub(crate) fn client_with(&self, authorization: Option<&str>) -> Client {
        Client {
            app: self.app.clone(),
            id: Uuid::nil(),
            authorization: authorization.map(str::to_owned),
        }
    }

    pub(crate) async fn events(&self, stream: &str) -> Vec<RecordedEvent> {
        let stream = StreamId::parse(stream).unwrap();
        self.store
            .read_stream(&stream, &ReadStreamOptions::default())
            .await
            .unwrap()
    }

    pub(crate) async fn event_types(&self, stream: &str) -> Vec<String> {
        self.events(stream)
            .await
            .into_iter()
            .map(|event| event.event_type)
            .collect()
    }
}

pub(crate) async fn fresh_store() -> (PostgresStore, PgPool) {
    let admin: PgConnectOptions = env::var("CODING_AGENT_TEST_POSTGRES")
        .expect("run ./dev test, which starts the servers")
        .parse()
        .expect("CODING_AGENT_TEST_POSTGRES is a PostgreSQL URL");
    let database = format!("test_{}", Uuid::new_v4().simple());
    let mut connection = admin.connect().await.expect("the test server answers");
    sqlx::raw_sql(AssertSqlSafe(format!("create database {database}")))
        .execute(&mut connection)
        .await
        .unwrap();
    let options = admin.database(&database);
    let pool = PgPoolOptions::new()
        .max_connections(6)
        .connect_with(options)
        .await
        .unwrap();
    event_store::journal::migrate::migrate(&pool).await.unwrap();
    let store = PostgresStore::open(pool.clone(), 4).await.unwrap();
    (store, pool)
}

/// Somebody with a token.
#[derive(Clone)]
pub(crate) struct Client {
    app: Router,
    pub(crate) id: Uuid,
    authorization: Option<String>,
}

impl Client {
    pub(crate) fn request(&self, method: Method, path: impl Into<String>) -> Call {
        let mut call = Call {
            app: self.app.clone(),
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Body::empty(),
        };
        if let Some(authorization) = &self.authorization {
            call = call.header("authorization", authorization);
        }
        call
    }

    pub(crate) fn post(&self, path: impl Into<String>) -> Call {
        self.request(Method::POST, path)
    }

    /// Sends lines to the bulk route and returns the answers.
    pub(crate) async fn bulk(&self, lines: &str) -> Vec<Value> {
        let reply = self
            .post("/api/commands")
            .raw("application/x-ndjson", lines.to_owned())
            .send()
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        reply.lines()
    }

    pub(crate) async fn start_conversation(&self) -> Uuid {
        let reply = self
            .post("/api/conversations")
            .json(&json!({"title": "A talk"}))
            .send()
            .await;
        assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
        reply.id()
    }

    /// A task whose type and complexity are known.
    pub(crate) async fn create_task(&self) -> Uuid {
        let body = json!({"title": "A task", "description": "Do it", "type": "feature", "complexity": "simple"});
        let reply = self.post("/api/tasks").json(&body).send().await;
        assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
        reply.id()
    }

    pub(crate) async fn start_execution(&self, task: Uuid) -> Uuid {
        let body = json!({"strategy": "iterative"});
        let reply = self
            .post(format!("/api/tasks/{task}/executions"))
            .json(&body)
            .send()
            .await;
        assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
        reply.body["executionId"].as_str().unwrap().parse().unwrap()
    }
}

/// A request being built.
pub(crate) struct Call {
    app: Router,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn if_match(self, tag: &str) -> Self {
        self.header("if-match", tag)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub(crate) fn raw(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub(crate) async fn send(self) -> Reply {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = self.app.oneshot(request.body(self.body).unwrap()).await.unwrap();
        let status = response.status();
        let headers = response.headers().clone();
        let text = to_bytes(response.into_body(), 64 << 20).await.unwrap();
        let body = serde_json::from_slice(&text).unwrap_or(Value::Null);
        Reply {
            status,
            headers,
            body,
            text: String::from_utf8(text.to_vec()).unwrap(),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    text: String,
}

impl Reply {
    pub(crate) fn id(&self) -> Uuid {
        self.body["id"].as_str().expect("an id").parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text
            .lines()
            .map(|line| serde_json::from_str(line).expect("an answer is JSON"))
            .collect()
    }

    #[track_caller]
    pub(crate) fn must_be(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.code()), (status, code), "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
    }

    #[track_caller]
    pub(crate) fn must_be_ok(&self, status: u16, revision: u64) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.body["revision"], json!(revision), "{self:?}");
        assert_eq!(self.header("etag"), format!("\"{revision}\""));
        assert!(!self.header("location").is_empty());
        assert!(!self.header("idempotency-key").is_empty());
        assert_eq!(self.header("position"), self.body["position"].as_str().unwrap());
    }
}

impl Call {
    /// Sends and reads the answer line by line.
    pub(crate) async fn stream(self) -> LineStream {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = self.app.oneshot(request.body(self.body).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        LineStream {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }
}

/// The lines of an answer as they come.
pub(crate) struct LineStream {
    body: BodyDataStream,
    text: String,
}

impl LineStream {
    /// The next line; none at the end. Fails when nothing comes for ten seconds.
    pub(crate) async fn next_line(&mut self) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let answer = serde_json::from_str(line).expect("an answer is JSON");
                self.text = rest.into();
                return Some(answer);
            }
            let piece = tokio::time::timeout(Duration::from_secs(10), self.body.next())
                .await
                .expect("an answer in time");
            self.text += std::str::from_utf8(&piece?.unwrap()).unwrap();
        }
    }
}

/// A token that was good until the year 2000, signed with [`SECRET`]; `mint` gives no token that has ended.
pub(crate) const EXPIRED_TOKEN: &str = concat!(
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.",
    "eyJpc3MiOiJjb2RpbmctYWdlbnQiLCJhdWQiOiJjb2RpbmctYWdlbnQiLCJzdWIiOiI2Zjk2MTlmZi04Yjg2LWQwMTEtYjQyZC0w",
    "MGNmNGZjOTY0ZmYiLCJyb2xlIjoidXNlciIsImlhdCI6OTQ2Njg0MDAwLCJuYmYiOjk0NjY4NDAwMCwiZXhwIjo5NDY2ODQ4MDB9",
    ".",
    "lE5LxIaqUp58iVD4Yh47knotXlNskSRKdtVsreM50e4",
);
