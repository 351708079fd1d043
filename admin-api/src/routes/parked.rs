//! Streams that stand still.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::StreamId;
use platform::problem::Problem;
use projections::administration::Administrator;
use projections::administration::parked::{self, DiscardedRecord, ParkedRecord};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::Body;
use crate::access::{Administrating, Viewer};
use crate::api::AdminApi;
use crate::problem::Undone;

/// Which generation.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfGeneration {
    /// Only this one.
    generation: Option<String>,
}

/// What to try again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retry {
    /// Only in this generation.
    #[serde(default)]
    generation: Option<String>,
    /// Only this stream; all without it.
    #[serde(default)]
    stream: Option<String>,
    /// Why, for the record.
    #[serde(default)]
    reason: Option<String>,
}

/// What to give up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Discard {
    /// Only in this generation.
    #[serde(default)]
    generation: Option<String>,
    /// The stream that goes on after the event that it stands before.
    stream: String,
    /// Why: 1 to 1,000 characters.
    reason: String,
}

/// The streams that stand still before an event that cannot be projected.
#[utoipa::path(
    get, path = "/api/admin/projections/parked", operation_id = "list_parked", tag = "projections", params(OfGeneration),
    responses((status = 200, description = "As `coding-agent projections parked --output json` prints them.", body = serde_json::Value)),
)]
pub(crate) async fn list(
    State(api): State<AdminApi>,
    _: Viewer,
    Query(query): Query<OfGeneration>,
) -> Result<Json<Vec<ParkedRecord>>, Undone> {
    Ok(Json(parked::list(api.pool(), query.generation.as_deref()).await?))
}

/// The events that were given up.
#[utoipa::path(
    get, path = "/api/admin/projections/discarded", operation_id = "list_discarded", tag = "projections", params(OfGeneration),
    responses((status = 200, description = "Each with its reason.", body = serde_json::Value)),
)]
pub(crate) async fn discarded(
    State(api): State<AdminApi>,
    _: Viewer,
    Query(query): Query<OfGeneration>,
) -> Result<Json<Vec<DiscardedRecord>>, Undone> {
    Ok(Json(parked::discarded(api.pool(), query.generation.as_deref()).await?))
}

/// Tries parked streams again.
#[utoipa::path(
    post, path = "/api/admin/projections/parked/retry", operation_id = "retry_parked", tag = "projections", request_body = Retry,
    responses((status = 202, description = "So many streams are tried again soon.", body = serde_json::Value)),
)]
pub(crate) async fn retry(
    State(api): State<AdminApi>,
    Administrating(operator): Administrating,
    Body(body): Body<Retry>,
) -> Response {
    let stream = match body.stream.as_deref().map(StreamId::parse).transpose() {
        Ok(stream) => stream,
        Err(error) => return no_stream(error),
    };
    let administrator = Administrator::new(api.pool(), api.store(), &operator).because(body.reason.as_deref());
    match administrator.retry(body.generation.as_deref(), stream.as_ref()).await {
        Ok(streams) => (StatusCode::ACCEPTED, Json(json!({ "retried": streams }))).into_response(),
        Err(error) => Undone(error).into_response(),
    }
}

/// Gives up the event that a stream stands before.
#[utoipa::path(
    post, path = "/api/admin/projections/parked/discard", operation_id = "discard_event", tag = "projections", request_body = Discard,
    responses((status = 200, description = "What was given up, one for each generation.", body = serde_json::Value)),
)]
pub(crate) async fn discard(
    State(api): State<AdminApi>,
    Administrating(operator): Administrating,
    Body(body): Body<Discard>,
) -> Response {
    let stream = match StreamId::parse(&body.stream) {
        Ok(stream) => stream,
        Err(error) => return no_stream(error),
    };
    let administrator = Administrator::new(api.pool(), api.store(), &operator).because(Some(&body.reason));
    match administrator.discard(body.generation.as_deref(), &stream).await {
        Ok(given_up) => Json(given_up).into_response(),
        Err(error) => Undone(error).into_response(),
    }
}

fn no_stream(error: domain::StreamIdError) -> Response {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "request.stream-malformed",
        "Not the name of a stream",
    )
    .detail(error.to_string())
    .field("stream")
    .into_response()
}
