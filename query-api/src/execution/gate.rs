//! What surrounds the fields of an operation in the engine: its price, and its snapshot.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextValidation};
use async_graphql::{Response, ServerError, ValidationResult};

use super::outcome::server_error;
use super::state::OperationState;
use crate::error::{ErrorCode, QueryError};
use crate::metrics;
use crate::options::{CostMode, QueryApiOptions};
use crate::snapshot::SnapshotSource;

/// Begins the snapshot after validation and before the first field, so that a refused query costs the database nothing
/// and an operation without a snapshot runs no field at all. A mutation has none before its commands ran.
#[derive(Clone)]
pub(crate) struct SnapshotGate {
    source: SnapshotSource,
    /// The highest cost of an operation, and whether it is enforced.
    max_cost: usize,
    cost_mode: CostMode,
}

impl SnapshotGate {
    pub(crate) fn new(source: SnapshotSource, options: &QueryApiOptions) -> Self {
        Self {
            source,
            max_cost: options.max_complexity,
            cost_mode: options.cost_mode,
        }
    }
}

impl ExtensionFactory for SnapshotGate {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(self.clone())
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for SnapshotGate {
    /// The engine prices an operation by the values that its variables have.
    async fn validation(
        &self,
        context: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(context).await?;
        let state = context.data_unchecked::<Arc<OperationState>>();
        state.cost.store(result.complexity, Ordering::Relaxed);
        if result.complexity > self.max_cost {
            match self.cost_mode {
                CostMode::Enforce => {
                    let error = QueryError::Limit {
                        code: ErrorCode::LimitComplexity,
                        what: "the cost",
                        limit: self.max_cost,
                    };
                    return Err(vec![server_error(error, None)]);
                }
                CostMode::Measure => {
                    metrics::costly_operation();
                    tracing::info!(
                        cost = result.complexity,
                        limit = self.max_cost,
                        "a costly operation was run"
                    );
                }
            }
        }
        Ok(result)
    }

    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let state = context.data_unchecked::<Arc<OperationState>>();
        if let Err(error) = state.begin(&self.source).await {
            return Response::from_errors(vec![server_error(error, None)]);
        }
        state.executed.store(true, Ordering::Relaxed);
        next.run(context, operation_name).await
    }
}
