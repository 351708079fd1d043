//! A database of its own with store, projector and query service, and short words to make history and ask questions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Duration as Span, TimeZone, Utc};
use command_api::{CommandApi, CommandApiOptions};
use domain::conversation::{ConversationEvent, Message, MessageRole};
use domain::id::created_by;
use domain::task::{Classification, Complexity, ExecutionResult, Strategy, TaskEvent, TaskType};
use domain::{CommandId, ConversationId, DomainEvent, EventId, ExecutionId, MessageId, Role, StreamId, UserId};
use event_store::postgres::PostgresStore;
use event_store::snapshot::PostgresSnapshots;
use event_store::{AppendToStreamOptions, EventMetadata, EventStore, NewEvent, PositionToken, StreamState};
use platform::shutdown::Shutdown;
use platform::token::SigningKey;
use projections::change_feed::ChangeFeed;
use projections::query_load::QueryLoad;
use projections::{ProjectorHandle, ProjectorOptions, ProjectorService};
use query_api::{Commands, QueryApi, QueryApiOptions};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::net::TcpListener;
use tower::ServiceExt;
use uuid::Uuid;

/// Longest wait for the projector.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) router: Router,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) load: Arc<QueryLoad>,
    pub(crate) shutdown: Shutdown,
    api: QueryApi,
    key: SigningKey,
    projector: Option<ProjectorHandle>,
}

/// An answer over HTTP.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// Minutes after the first of May 2024.
pub(crate) fn minute(minute: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 5, 1, 0, 0, 0).unwrap() + Span::minutes(minute)
}

async fn empty_database() -> PgPool {
    let admin = std::env::var("CODING_AGENT_TEST_POSTGRES").expect("run ./dev test, which starts the servers");
    let name = format!("test_{}", Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&admin).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    PgPoolOptions::new()
        .max_connections(8)
        .connect(&format!("{server}/{name}"))
        .await
        .unwrap()
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(QueryApiOptions::default()).await
    }

    pub(crate) async fn start_with(options: QueryApiOptions) -> Self {
        let mut world = Self::start_without_projector(options.clone()).await;
        world.start_projector();
        let projector = world.projector.clone();
        let api = QueryApi::new(world.pool.clone(), world.key.clone(), projector.clone(), options)
            .unwrap()
            .stopping_with(world.shutdown.clone());
        let feed = ChangeFeed::new(world.pool.clone(), projector);
        tokio::spawn(api.live().clone().run(feed, world.shutdown.clone()));
        world.load = Arc::clone(api.load());
        world.router = query_api::router(api.clone());
        world.api = api;
        world
    }

    pub(crate) async fn start_without_projector(options: QueryApiOptions) -> Self {
        let pool = empty_database().await;
        event_store::journal::migrate::migrate(&pool).await.unwrap();
        projections::migrate(&pool).await.unwrap();
        let store: Arc<dyn EventStore> = Arc::new(PostgresStore::open(pool.clone(), 4).await.unwrap());
        let key = SigningKey::from_secret(&[7; 32]);
        let api = QueryApi::new(pool.clone(), key.clone(), None, options).unwrap();
        Self {
            pool,
            load: Arc::clone(api.load()),
            router: query_api::router(api.clone()),
            api,
            store,
            key,
            projector: None,
            shutdown: Shutdown::new(),
        }
    }

    /// Mutations go there from now on.
    pub(crate) fn give_commands_to(&mut self, commands: Arc<dyn Commands>) {
        self.router = query_api::router(self.api.clone().giving_commands_to(commands));
    }

    /// A write side on the same log, with the same key.
    pub(crate) fn command_api(&self) -> CommandApi {
        let snapshots = Arc::new(PostgresSnapshots::new(self.pool.clone()));
        CommandApi::new(
            self.store.clone(),
            snapshots,
            CommandApiOptions::default(),
            self.key.clone(),
        )
    }

    pub(crate) fn start_projector(&mut self) {
        let service = ProjectorService::new(Arc::clone(&self.store), self.pool.clone(), ProjectorOptions::default());
        self.projector = Some(service.handle());
        tokio::spawn(service.run(self.shutdown.clone()));
    }

    /// Waits until the read models cover the whole log; the position of its end.
    pub(crate) async fn level(&self) -> String {
        let end = self.store.end().await.unwrap();
        let mut progress = self.projector.as_ref().expect("a projector runs").watch();
        let covered =
            progress.wait_for(|progress| progress.schema.is_some() && self.store.behind(&end, &progress.cut) == 0);
        tokio::time::timeout(DEADLINE, covered)
            .await
            .expect("the projector is level in time")
            .unwrap();
        self.end().await
    }

    /// The position of the log's end.
    pub(crate) async fn end(&self) -> String {
        let cut = self.store.end().await.unwrap();
        PositionToken {
            epoch: self.store.epoch(),
            cut,
            stream: None,
        }
        .encode()
    }

    pub(crate) async fn append(
        &self,
        stream: &StreamId,
        actor: Uuid,
        role: Role,
        events: Vec<(DomainEvent, DateTime<Utc>)>,
    ) {
        let id = Uuid::now_v7();
        let stamp = EventMetadata {
            command_id: CommandId::from_uuid(id),
            command_hash: 1,
            actor: UserId::new(actor),
            role,
            correlation_id: format!("correlation-{id}"),
            causation_id: None,
            traceparent: None,
            provenance: None,
        };
        let new = |(index, (event, time)): (usize, (DomainEvent, DateTime<Utc>))| {
            let encoded = domain::stored::encode(&event);
            NewEvent {
                id: EventId::derived(id, stream.as_str(), index),
                event_type: encoded.event_type.to_owned(),
                time,
                data: encoded.data,
            }
        };
        let events = events.into_iter().enumerate().map(new).collect();
        let options = AppendToStreamOptions {
            stream_state: StreamState::Any,
            stamp,
        };
        self.store.append_to_stream(stream, &options, events).await.unwrap();
    }

    /// Starts a conversation with messages of its owner, one a minute.
    pub(crate) async fn conversation(&self, owner: Uuid, title: &str, at: i64, messages: &[&str]) -> Uuid {
        let id = Uuid::new_v4();
        let started = ConversationEvent::Started {
            owner_id: UserId::new(owner),
            title: title.to_owned(),
        };
        let mut events = vec![(started.into(), minute(at))];
        for (text, later) in messages.iter().zip(1..) {
            let message = Message {
                id: MessageId::new(created_by(id, &format!("message {later}"))),
                role: MessageRole::User,
                author_id: Some(UserId::new(owner)),
                content: (*text).to_owned(),
                attachments: Vec::new(),
                model: None,
                tokens_used: None,
            };
            events.push((ConversationEvent::MessageSent(message).into(), minute(at + later)));
        }
        self.append(&conversation_stream(id), owner, Role::User, events).await;
        id
    }

    /// Creates a pending task.
    pub(crate) async fn task(&self, owner: Uuid, title: &str, at: i64, conversation: Option<Uuid>) -> Uuid {
        let id = Uuid::new_v4();
        let created = TaskEvent::Created {
            owner_id: UserId::new(owner),
            title: title.to_owned(),
            description: format!("about {title}"),
            task_type: None,
            complexity: None,
            priority: 3,
            conversation_id: conversation.map(ConversationId::new),
        };
        self.task_events(id, owner, Role::User, at, vec![created]).await;
        id
    }

    /// Lets events of a task happen in one minute.
    pub(crate) async fn task_events(&self, id: Uuid, actor: Uuid, role: Role, at: i64, events: Vec<TaskEvent>) {
        let events = events.into_iter().map(|event| (event.into(), minute(at))).collect();
        self.append(&task_stream(id), actor, role, events).await;
    }

    /// Classifies, executes and completes a task; the execution's id.
    pub(crate) async fn finish(
        &self,
        task: Uuid,
        kind: (TaskType, Complexity),
        at: i64,
        result: ExecutionResult,
    ) -> Uuid {
        let execution = created_by(task, "execution");
        let execution_id = ExecutionId::new(execution);
        let (task_type, complexity) = kind;
        let classification = Classification {
            task_type,
            complexity,
            confidence_permille: 875,
            classifier: "heuristic".to_owned(),
            classifier_version: "1".to_owned(),
        };
        let strategy = Strategy::SingleShot;
        let events = vec![
            TaskEvent::Classified(classification),
            TaskEvent::ExecutionStarted {
                execution_id,
                strategy,
                model: Some("m-1".to_owned()),
                attempt: 1,
            },
            TaskEvent::ExecutionCompleted { execution_id, result },
        ];
        self.task_events(task, Uuid::nil(), Role::Service, at, events).await;
        execution
    }

    pub(crate) fn token(&self, role: &str, subject: Uuid) -> String {
        self.key.mint(subject, role, Duration::from_secs(600)).unwrap()
    }

    pub(crate) fn token_for(&self, role: &str, subject: Uuid, lifetime: Duration) -> String {
        self.key.mint(subject, role, lifetime).unwrap()
    }

    /// Listens for connections of its own; where.
    pub(crate) async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = self.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// Asks all that stands to end.
    pub(crate) fn stop(&self) {
        self.shutdown.trigger();
    }

    /// Sends any request.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 10_000_000).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// Posts a GraphQL request.
    pub(crate) async fn post(&self, role: &str, viewer: Uuid, body: &Value) -> Reply {
        let request = Request::post("/graphql")
            .header("authorization", format!("Bearer {}", self.token(role, viewer)))
            .header("content-type", "application/json")
            .header("accept", "application/graphql-response+json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    /// Asks and expects an answer without errors: its data.
    pub(crate) async fn ask(&self, role: &str, viewer: Uuid, query: &str) -> Value {
        let mut reply = self.post(role, viewer, &json!({ "query": query })).await;
        assert_eq!(reply.body.get("errors"), None, "{query}\n{}", reply.body);
        assert_eq!(reply.status, StatusCode::OK);
        reply.body["data"].take()
    }

    /// Asks and expects an error: the code of the first.
    pub(crate) async fn refused(&self, role: &str, viewer: Uuid, query: &str) -> String {
        let reply = self.post(role, viewer, &json!({ "query": query })).await;
        let extensions = &reply.body["errors"][0]["extensions"];
        assert!(extensions["correlationId"].is_string(), "{}", reply.body);
        extensions["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no error code in {}", reply.body))
            .to_owned()
    }
}

pub(crate) fn conversation_stream(id: Uuid) -> StreamId {
    StreamId::of("conversation", id)
}

pub(crate) fn task_stream(id: Uuid) -> StreamId {
    StreamId::of("task", id)
}
