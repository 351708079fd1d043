//! Every problem that these routes answer with, and its status. The codes are those of the command line.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::{Refusal as _, RefusalKind};
use platform::problem::Problem;
use projections::ProjectionError;
use projections::administration::AdministrationError;
use replay_tools::generations::GenerationsError;

/// What was not done.
pub(crate) struct Undone(pub(crate) AdministrationError);

impl From<AdministrationError> for Undone {
    fn from(error: AdministrationError) -> Self {
        Self(error)
    }
}

impl From<ProjectionError> for Undone {
    fn from(error: ProjectionError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Undone {
    fn into_response(self) -> Response {
        let error = self.0;
        let code = error.code();
        let refused = |status, title| Problem::new(status, code, title).detail(error.to_string());
        let problem = match &error {
            AdministrationError::Unknown { .. } | AdministrationError::NotParked { .. } => {
                refused(StatusCode::NOT_FOUND, "Not found")
            }
            AdministrationError::Reason => {
                refused(StatusCode::UNPROCESSABLE_ENTITY, "Content breaks a rule").field("reason")
            }
            AdministrationError::Record(refusal) => {
                let status = match refusal.kind() {
                    RefusalKind::Forbidden => StatusCode::FORBIDDEN,
                    RefusalKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                    _ => StatusCode::CONFLICT,
                };
                let mut problem = refused(status, "Not recorded, and not done");
                if let Some(field) = refusal.field() {
                    problem = problem.field(field);
                }
                if let Some(limit) = refusal.limit() {
                    problem = problem.limit(limit);
                }
                problem
            }
            AdministrationError::Projection(error) => {
                // What a database or a broker says never reaches a client.
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    code,
                    "an administrator's request failed"
                );
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    code,
                    "The log or the database cannot be used",
                )
                .retry_after_seconds(1)
            }
            _ => refused(StatusCode::CONFLICT, "State forbids it"),
        };
        problem.into_response()
    }
}

/// What could not be asked.
pub(crate) fn of_tool(error: GenerationsError) -> Response {
    match error {
        GenerationsError::Refused(error) => Undone(error).into_response(),
        GenerationsError::Away(error) => Undone(error.into()).into_response(),
        other => Problem::new(StatusCode::CONFLICT, "generation.other-projectors", "State forbids it")
            .detail(other.to_string())
            .into_response(),
    }
}
