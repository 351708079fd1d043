//! What the routes share.

use std::sync::Arc;

use event_store::EventStore;
use platform::shutdown::Shutdown;
use platform::token::SigningKey;
use replay_tools::generations::GenerationsSources;
use sqlx::PgPool;

use crate::verification::Verifications;

/// The log, the database, the key of tokens. Cheap to clone.
#[derive(Clone)]
pub struct AdminApi {
    shared: Arc<Shared>,
}

struct Shared {
    sources: GenerationsSources,
    key: SigningKey,
    verifications: Verifications,
}

impl AdminApi {
    /// Routes over this log and database; verifications that are under way end with `shutdown`.
    pub fn new(sources: GenerationsSources, key: SigningKey, shutdown: Shutdown) -> Self {
        Self {
            shared: Arc::new(Shared {
                verifications: Verifications::new(sources.clone(), shutdown),
                sources,
                key,
            }),
        }
    }

    pub(crate) fn sources(&self) -> &GenerationsSources {
        &self.shared.sources
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.shared.sources.pool
    }

    pub(crate) fn store(&self) -> &dyn EventStore {
        &*self.shared.sources.store
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.shared.key
    }

    pub(crate) fn verifications(&self) -> &Verifications {
        &self.shared.verifications
    }
}
