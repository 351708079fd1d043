//! Events that cannot be projected stop the generation; nothing is skipped.

use std::time::Duration;

use domain::StreamId;
use platform::health::Health;
use projections::{ProjectorOptions, ProjectorService, ProjectorState};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::harness::{World, admin_url, at, id, run};
use crate::history::{created, task};

async fn stopped_by(event_type: &str, data: &str, stream: StreamId) -> (World, String) {
    let world = World::new().await;
    world.append(task(1, [created()])).await;
    world.append_raw(&stream, event_type, data, at(5)).await;
    world.append(task(2, [created()])).await;
    let health = Health::new();
    let service = world
        .service(ProjectorOptions::default())
        .reporting_to(health.register("projector"));
    let running = run(service);
    running
        .until(|progress| matches!(progress.state, ProjectorState::Stopped { .. }))
        .await;
    assert!(!health.is_ready());
    let ProjectorState::Stopped { reason } = running.handle.progress().state else {
        panic!("not stopped")
    };
    running.stop().await;
    (world, reason)
}

#[tokio::test]
async fn an_unknown_event_type_stops_the_generation_before_it() {
    let (world, reason) = stopped_by("task.painted.v1", "{}", StreamId::of("task", id(1))).await;
    assert!(
        reason.contains("task.painted.v1") && reason.contains("revision 1"),
        "{reason}"
    );
    assert!(reason.contains(&format!("task-{}", id(1))), "{reason}");
    assert_eq!(world.serving("task").await.len(), 1);
    // A second start meets it again.
    let again = run(world.service(ProjectorOptions::default()));
    again
        .until(|progress| matches!(progress.state, ProjectorState::Stopped { .. }))
        .await;
    again.stop().await;
    assert_eq!(world.serving("task").await.len(), 1);
}

#[tokio::test]
async fn an_event_that_does_not_continue_its_stream_stops_the_generation() {
    let (world, reason) = stopped_by("task.deleted.v1", "{}", StreamId::of("task", id(9))).await;
    assert!(reason.contains("does not begin"), "{reason}");
    assert_eq!(world.serving("task").await.len(), 0);
}

#[tokio::test]
async fn malformed_data_stops_the_generation() {
    let (_, reason) = stopped_by("task.created.v1", r#"{"title": 5}"#, StreamId::of("task", id(9))).await;
    assert!(reason.contains("does not fit its schema"), "{reason}");
}

#[tokio::test]
async fn health_is_up_while_the_projector_follows() {
    let world = World::new().await;
    let health = Health::new();
    let running = run(world
        .service(ProjectorOptions::default())
        .reporting_to(health.register("projector")));
    assert!(!health.is_ready());
    tokio::time::timeout(Duration::from_secs(30), health.ready())
        .await
        .unwrap();
    running.stop().await;
}

#[tokio::test]
async fn an_outage_of_the_database_is_waited_for_and_loses_nothing() {
    let world = World::new().await;
    let health = Health::new();
    let mut projector_role = ProjectorRole::create().await;
    let pool = projector_role.connect(&world.database).await;
    let options = ProjectorOptions {
        retry_max_ms: 100,
        ..ProjectorOptions::default()
    };
    let service = ProjectorService::new(world.store.clone(), pool.clone(), options);
    let running = run(service.reporting_to(health.register("projector")));
    running
        .until(|progress| progress.state == ProjectorState::Following)
        .await;

    projector_role.shut_out().await;
    world
        .append([task(1, [created()]), task(2, [created()])].into_iter().flatten())
        .await;
    running
        .until(|progress| {
            progress.state
                == ProjectorState::Retrying {
                    code: "projection.database",
                }
        })
        .await;
    assert!(!health.is_ready());

    projector_role.let_in().await;
    world.level(&running).await;
    tokio::time::timeout(Duration::from_secs(30), health.ready())
        .await
        .unwrap();
    running.stop().await;
    assert_eq!(world.serving("task").await.len(), 2);
    assert_eq!(world.serving("activity").await.len(), 2);
    pool.close().await;
    projector_role.drop(&world).await;
}

/// A role of its own for a projector: for whom the server can be away while it is there for the log.
struct ProjectorRole {
    name: String,
    admin: PgConnection,
}

impl ProjectorRole {
    async fn create() -> Self {
        let name = format!("projector_{}", uuid::Uuid::new_v4().simple());
        let admin = PgConnection::connect(&admin_url()).await.unwrap();
        let mut role = Self { name, admin };
        role.execute(format!(
            "create role {} superuser login password 'projector'",
            role.name
        ))
        .await;
        role
    }

    async fn connect(&self, database: &str) -> PgPool {
        let options: PgConnectOptions = admin_url().parse().unwrap();
        let options = options.username(&self.name).password("projector").database(database);
        PgPoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .unwrap()
    }

    async fn shut_out(&mut self) {
        self.execute(format!("alter role {} nologin", self.name)).await;
        self.execute(format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{}'",
            self.name
        ))
        .await;
    }

    async fn let_in(&mut self) {
        self.execute(format!("alter role {} login", self.name)).await;
    }

    async fn drop(mut self, world: &World) {
        let name = &self.name;
        let give_back = format!("reassign owned by {name} to current_user; drop owned by {name}");
        sqlx::raw_sql(AssertSqlSafe(give_back))
            .execute(&world.pool)
            .await
            .unwrap();
        self.execute(format!("drop role {}", self.name)).await;
    }

    async fn execute(&mut self, sql: String) {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut self.admin)
            .await
            .unwrap();
    }
}
