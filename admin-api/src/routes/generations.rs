//! Generations: looked at, rebuilt, promoted, gone back to, dropped.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use projections::administration::{self, Acceptance, Administrator, Promotion};
use projections::read_model;
use replay_tools::lag;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::Body;
use crate::access::{Administrating, Viewer};
use crate::api::AdminApi;
use crate::problem::{self, Undone};

/// Between the two looks at a lag.
const LOOK: Duration = Duration::from_secs(1);

/// Why it is done, for the record.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithReason {
    /// 1 to 1,000 characters.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// What is accepted about a generation that shows something else than what serves, by the names that verifying and refusals tell.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PromotionOrder {
    /// 1 to 1,000 characters, for the record.
    #[serde(default)]
    reason: Option<String>,
    /// The difference to what serves, when other projectors filled that.
    #[serde(default)]
    accept_diff: Option<String>,
    /// The parked streams of the generation.
    #[serde(default)]
    accept_parked: Option<String>,
}

/// How a generation is dropped.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct DropQuery {
    /// For how long it must not have served: until then it may be needed to go back.
    #[serde(default = "default_grace")]
    #[param(default = 600)]
    grace_seconds: u64,
    /// Why, for the record.
    reason: Option<String>,
}

fn default_grace() -> u64 {
    600
}

/// Every generation with its lag, and the processes that follow them.
#[utoipa::path(
    get, path = "/api/admin/projections", operation_id = "list_generations", tag = "projections",
    responses((status = 200, description = "`generations` as `coding-agent projections list` prints them, each with `lagSeconds`; `processes` that follow \
        them.", body = serde_json::Value)),
)]
pub(crate) async fn list(State(api): State<AdminApi>, _: Viewer) -> Result<Json<Value>, Undone> {
    let listed = administration::list(api.pool(), api.store()).await?;
    let status = projections::status(api.pool(), api.store()).await?;
    let processes = administration::processes(api.pool()).await?;
    let generations: Vec<Value> = listed
        .iter()
        .map(|record| {
            let mut shown = serde_json::to_value(record).unwrap_or_default();
            let lag = status.generations.iter().find(|lag| lag.schema == record.generation);
            shown["lagSeconds"] = json!(lag.map(|lag| lag.lag_seconds));
            shown
        })
        .collect();
    Ok(Json(json!({ "generations": generations, "processes": processes })))
}

/// Fills another generation beside the one that serves.
#[utoipa::path(
    post, path = "/api/admin/projections", operation_id = "rebuild", tag = "projections", request_body = WithReason,
    responses((status = 201, description = "It is being filled by the running projectors; the list tells how far it is.", body = serde_json::Value)),
)]
pub(crate) async fn rebuild(
    State(api): State<AdminApi>,
    Administrating(operator): Administrating,
    Body(body): Body<WithReason>,
) -> Result<(StatusCode, Json<Value>), Undone> {
    let administrator = Administrator::new(api.pool(), api.store(), &operator).because(body.reason.as_deref());
    let generation = administrator.rebuild(&read_model::all()).await?;
    let begun = json!({ "generation": generation, "state": "building" });
    Ok((StatusCode::CREATED, Json(begun)))
}

/// Lets a complete generation serve.
#[utoipa::path(
    post, path = "/api/admin/projections/{generation}/promotion", operation_id = "promote", tag = "projections",
    request_body = PromotionOrder,
    params(("generation" = String, Path, description = "Its name.")),
    responses((status = 200, description = "It serves; `before` is kept level for going back.", body = serde_json::Value)),
)]
pub(crate) async fn promote(
    State(api): State<AdminApi>,
    Administrating(operator): Administrating,
    Path(generation): Path<String>,
    Body(body): Body<PromotionOrder>,
) -> Result<Json<Promotion>, Undone> {
    let administrator = Administrator::new(api.pool(), api.store(), &operator).because(body.reason.as_deref());
    let acceptance = Acceptance {
        diff: body.accept_diff,
        parked: body.accept_parked,
        by: operator.actor.id.to_string(),
    };
    Ok(Json(administrator.promote(&generation, &acceptance).await?))
}

/// Lets the generation serve that served before.
#[utoipa::path(
    post, path = "/api/admin/projections/rollback", operation_id = "roll_back", tag = "projections", request_body = WithReason,
    responses((status = 200, description = "It serves again.", body = serde_json::Value)),
)]
pub(crate) async fn roll_back(
    State(api): State<AdminApi>,
    Administrating(operator): Administrating,
    Body(body): Body<WithReason>,
) -> Result<Json<Promotion>, Undone> {
    let administrator = Administrator::new(api.pool(), api.store(), &operator).because(body.reason.as_deref());
    Ok(Json(administrator.roll_back().await?))
}

/// Removes a generation that does not serve, with its tables.
#[utoipa::path(
    delete, path = "/api/admin/projections/{generation}", operation_id = "drop_generation", tag = "projections",
    params(("generation" = String, Path, description = "Its name."), DropQuery),
    responses((status = 200, description = "It is gone.", body = serde_json::Value)),
)]
pub(crate) async fn retire(
    State(api): State<AdminApi>,
    Administrating(operator): Administrating,
    Path(generation): Path<String>,
    Query(query): Query<DropQuery>,
) -> Result<Json<Value>, Undone> {
    let administrator = Administrator::new(api.pool(), api.store(), &operator).because(query.reason.as_deref());
    administrator
        .retire(&generation, Duration::from_secs(query.grace_seconds))
        .await?;
    Ok(Json(json!({ "dropped": generation })))
}

/// Why a generation is behind.
#[utoipa::path(
    get, path = "/api/admin/projections/{generation}/lag", operation_id = "explain_lag", tag = "projections",
    params(("generation" = String, Path, description = "Its name.")),
    responses((status = 200, description = "As `coding-agent projections explain-lag --output json` prints it.", body = serde_json::Value)),
)]
pub(crate) async fn lag(State(api): State<AdminApi>, _: Viewer, Path(generation): Path<String>) -> Response {
    match lag::explain(Some(&generation), api.sources(), LOOK).await {
        Ok(report) => Json(report).into_response(),
        Err(error) => problem::of_tool(error),
    }
}
