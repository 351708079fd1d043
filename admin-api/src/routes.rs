//! The routes.

pub(crate) mod generations;
pub(crate) mod parked;
pub(crate) mod verification;

use axum::Router;
use axum::extract::FromRequest;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use platform::problem::Problem;
use serde::de::DeserializeOwned;

use crate::api::AdminApi;
use crate::page;

/// All routes, without the standard layers.
pub fn router(api: AdminApi) -> Router {
    Router::new()
        .route(
            "/api/admin/projections",
            get(generations::list).post(generations::rebuild),
        )
        .route("/api/admin/projections/rollback", post(generations::roll_back))
        .route("/api/admin/projections/parked", get(parked::list))
        .route("/api/admin/projections/parked/retry", post(parked::retry))
        .route("/api/admin/projections/parked/discard", post(parked::discard))
        .route("/api/admin/projections/discarded", get(parked::discarded))
        .route("/api/admin/projections/{generation}", delete(generations::retire))
        .route(
            "/api/admin/projections/{generation}/promotion",
            post(generations::promote),
        )
        .route("/api/admin/projections/{generation}/lag", get(generations::lag))
        .route(
            "/api/admin/projections/{generation}/verification",
            get(verification::status).post(verification::begin),
        )
        .merge(page::router())
        .with_state(api)
}

/// A JSON body that may be missing; unknown fields are an error.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "request.invalid-body",
                "Request body does not fit",
            )
            .detail(error.to_string())
            .into_response()
        })
    }
}
