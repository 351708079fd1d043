//! The read side: GraphQL over the serving generation of the read models and the journal, never the log.
//!
//! A request comes in through [`http`] (authentication, GraphQL over HTTP), is measured against the [`limits`], and is run by
//! [`execution`]: validation, one [`snapshot`] for all fields, and the position of the answer. The [`schema`] says what can be asked;
//! [`queries`] is all the SQL, and takes the owner rule of every statement from the [`viewer`]. [`paging`] is how lists work.
//!
//! async-graphql is named in this crate alone.

pub mod error;
pub mod execution;
pub mod http;
pub mod limits;
pub mod metrics;
pub mod options;
pub mod paging;
mod queries;
pub mod scalars;
pub mod schema;
pub mod snapshot;
pub mod viewer;

use std::sync::Arc;
use std::time::Duration;

use platform::token::SigningKey;
use projections::ProjectorHandle;
use projections::query_load::QueryLoad;
use projections::read::ServingReader;
use sqlx::PgPool;

pub use error::{ErrorCode, QueryError};
pub use http::router;
pub use options::QueryApiOptions;
pub use schema::sdl;
pub use viewer::Viewer;

/// The query service: everything a request needs. Cheap to clone.
#[derive(Clone)]
pub struct QueryApi {
    shared: Arc<Shared>,
}

struct Shared {
    schema: schema::QuerySchema,
    signing_key: SigningKey,
    options: QueryApiOptions,
    load: Arc<QueryLoad>,
}

impl QueryApi {
    /// A service that reads through `pool`. The handle of a projector in the same process spares waits their polling.
    pub fn new(
        pool: PgPool,
        signing_key: SigningKey,
        projector: Option<ProjectorHandle>,
        options: QueryApiOptions,
    ) -> Self {
        let gate = execution::SnapshotGate {
            reader: ServingReader::new(pool, projector),
            statement_timeout: Duration::from_millis(options.statement_timeout_ms),
        };
        let schema = schema::build(&options, gate);
        Self {
            shared: Arc::new(Shared {
                schema,
                signing_key,
                options,
                load: Arc::default(),
            }),
        }
    }

    /// Its settings.
    pub fn options(&self) -> &QueryApiOptions {
        &self.shared.options
    }

    /// Counts the queries that were answered, for whoever tells those who build generations.
    pub fn load(&self) -> &Arc<QueryLoad> {
        &self.shared.load
    }

    pub(crate) fn schema(&self) -> &schema::QuerySchema {
        &self.shared.schema
    }

    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.shared.signing_key
    }
}
