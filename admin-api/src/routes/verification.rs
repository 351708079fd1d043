//! Verifications: begun, and asked for.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use platform::problem::Problem;
use projections::administration;

use crate::access::{Administrating, Viewer};
use crate::api::AdminApi;
use crate::problem::Undone;

/// Begins to fold the log a second time and to compare every row.
///
/// It runs in the process that took the request, one at a time.
#[utoipa::path(
    post, path = "/api/admin/projections/{generation}/verification", operation_id = "begin_verification", tag = "projections",
    params(("generation" = String, Path, description = "Its name.")),
    responses((status = 202, description = "It runs; the same path tells how far it is.", body = serde_json::Value)),
)]
pub(crate) async fn begin(State(api): State<AdminApi>, _: Administrating, Path(generation): Path<String>) -> Response {
    match administration::list(api.pool(), api.store()).await {
        Err(error) => return Undone(error).into_response(),
        Ok(listed) if listed.iter().any(|record| record.generation == generation) => {}
        Ok(_) => return Undone(administration::AdministrationError::Unknown { generation }).into_response(),
    }
    match api.verifications().begin(&generation) {
        Ok(status) => (StatusCode::ACCEPTED, Json(status)).into_response(),
        Err(busy) => Problem::new(
            StatusCode::CONFLICT,
            "generation.verification-under-way",
            "State forbids it",
        )
        .detail(format!(
            "{} is being verified by this process; one at a time",
            busy.generation
        ))
        .into_response(),
    }
}

/// How a verification is, and what it came to.
#[utoipa::path(
    get, path = "/api/admin/projections/{generation}/verification", operation_id = "verification", tag = "projections",
    params(("generation" = String, Path, description = "Its name.")),
    responses((status = 200, description = "`state` is `running`, `equal`, `different` or `failed`; `report` is as \
        `coding-agent projections verify --output json` prints it.", body = serde_json::Value)),
)]
pub(crate) async fn status(State(api): State<AdminApi>, _: Viewer, Path(generation): Path<String>) -> Response {
    match api.verifications().of(&generation) {
        Some(status) => Json(status).into_response(),
        None => Problem::new(StatusCode::NOT_FOUND, "generation.not-verified", "Not found")
            .detail(format!("{generation} was not verified in this process"))
            .into_response(),
    }
}
