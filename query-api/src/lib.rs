//! The read side: GraphQL over the serving generation of the read models and the journal, never the log.
//!
//! A request comes in through [`http`] (authentication, GraphQL over HTTP), is measured against the [`limits`], and is run by
//! [`execution`]: validation, one [`snapshot`] for all fields, and the position of the answer. The [`schema`] says what can be asked;
//! What clients were built with, and what was asked a moment ago, is in [`documents`];
//! [`queries`] is all the SQL, and takes the owner rule of every statement from the [`viewer`]. [`paging`] is how lists work.
//! A mutation is a command that goes out through [`commands`], in the name of its [`caller`].
//!
//! async-graphql is named in this crate alone.

pub mod answer;
pub mod caller;
pub mod commands;
pub mod documents;
pub mod error;
pub mod execution;
pub mod http;
pub mod limits;
pub mod live;
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

use platform::shutdown::Shutdown;
use platform::token::SigningKey;
use projections::ProjectorHandle;
use projections::query_load::QueryLoad;
use projections::read::ServingReader;
use sqlx::PgPool;

use crate::commands::NotConfigured;
use crate::documents::{DocumentCache, TrustedDocuments};
use crate::live::LiveChanges;
use crate::snapshot::SnapshotSource;

pub use caller::Caller;
pub use commands::{Commands, CommandsOverHttp};
pub use documents::ManifestError;
pub use error::{ErrorCode, QueryError};
pub use http::router;
pub use options::QueryApiOptions;
pub use schema::sdl;
pub use viewer::Viewer;

/// The query service: everything a request needs. Cheap to clone.
#[derive(Clone)]
pub struct QueryApi {
    shared: Arc<Shared>,
    shutdown: Shutdown,
    commands: Arc<dyn Commands>,
}

struct Shared {
    schema: schema::QuerySchema,
    subscriptions: schema::SubscriptionSchema,
    live: LiveChanges,
    signing_key: SigningKey,
    options: QueryApiOptions,
    trusted: TrustedDocuments,
    documents: DocumentCache,
    load: Arc<QueryLoad>,
}

impl QueryApi {
    /// A service that reads through `pool`. The handle of a projector in the same process spares waits their polling. Fails when the list of
    /// trusted documents cannot be used.
    pub fn new(
        pool: PgPool,
        signing_key: SigningKey,
        projector: Option<ProjectorHandle>,
        options: QueryApiOptions,
    ) -> Result<Self, ManifestError> {
        let trusted = TrustedDocuments::load(options.trusted_documents.as_deref(), options.trusted_documents_mode)?;
        let source = SnapshotSource {
            reader: ServingReader::new(pool, projector),
            statement_timeout: Duration::from_millis(options.statement_timeout_ms),
        };
        let subscriptions = schema::build_subscriptions(&options, source.clone());
        let schema = schema::build(&options, source);
        Ok(Self {
            shared: Arc::new(Shared {
                schema,
                subscriptions,
                live: LiveChanges::default(),
                signing_key,
                trusted,
                documents: DocumentCache::new(options.document_cache_bytes),
                options,
                load: Arc::default(),
            }),
            shutdown: Shutdown::new(),
            commands: Arc::new(NotConfigured),
        })
    }

    /// At shutdown, sockets are closed and event streams end.
    #[must_use]
    pub fn stopping_with(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Mutations are given to these; without them each is answered with the setting that is missing.
    #[must_use]
    pub fn giving_commands_to(mut self, commands: Arc<dyn Commands>) -> Self {
        self.commands = commands;
        self
    }

    /// Its settings.
    pub fn options(&self) -> &QueryApiOptions {
        &self.shared.options
    }

    /// Counts the queries that were answered, for whoever tells those who build generations.
    pub fn load(&self) -> &Arc<QueryLoad> {
        &self.shared.load
    }

    /// Who waits for changes of the read models: to be told by [`LiveChanges::run`].
    pub fn live(&self) -> &LiveChanges {
        &self.shared.live
    }

    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    pub(crate) fn subscriptions(&self) -> &schema::SubscriptionSchema {
        &self.shared.subscriptions
    }

    pub(crate) fn trusted(&self) -> &TrustedDocuments {
        &self.shared.trusted
    }

    pub(crate) fn documents(&self) -> &DocumentCache {
        &self.shared.documents
    }

    pub(crate) fn commands(&self) -> &Arc<dyn Commands> {
        &self.commands
    }

    pub(crate) fn schema(&self) -> &schema::QuerySchema {
        &self.shared.schema
    }

    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.shared.signing_key
    }
}
