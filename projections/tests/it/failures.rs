//! What the projector tells of itself, and outages.

use std::time::Duration;

use platform::health::Health;
use projections::{ProjectorOptions, ProjectorService, ProjectorState};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::harness::{World, admin_url, run};
use crate::history::{created, task};

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
