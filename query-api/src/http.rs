//! GraphQL over HTTP, by the published draft as the `graphql-http` audit checks it: `POST /graphql` and `GET /graphql`. The same of a
//! generation of time travel is at `/graphql/generations/{name}`, for analysts and administrators.
//!
//! Our own layer, because the stock one ignores `Accept`, takes bodies of any type and arrays of operations. What is not a GraphQL answer
//! (no token, an unreadable body) is a problem (RFC 9457), never a GraphQL media type.

mod authentication;
mod media_type;
mod parameters;
mod response;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, FromRequest, Path, RawQuery, Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use platform::http::CorrelationId;
use platform::problem::Problem;
use uuid::Uuid;

use crate::QueryApi;
use crate::execution::execute;
use crate::viewer::Viewer;

/// The path of the service.
pub const PATH: &str = "/graphql";
/// The path of one generation of time travel.
pub const GENERATION_PATH: &str = "/graphql/generations/{name}";
/// Longest name that is looked up.
const NAME_MAX_BYTES: usize = 64;

/// The routes of the service, without the layers that all services share.
pub fn router(api: QueryApi) -> Router {
    let limit = DefaultBodyLimit::max(api.options().max_body_bytes);
    Router::new()
        .route(PATH, any(graphql))
        .route(GENERATION_PATH, any(graphql_of_generation))
        .layer(limit)
        .with_state(api)
}

async fn graphql(
    State(api): State<QueryApi>,
    correlation_id: Option<Extension<CorrelationId>>,
    request: Request,
) -> Response {
    respond(&api, correlation_id, request, None).await
}

async fn graphql_of_generation(
    State(api): State<QueryApi>,
    Path(name): Path<String>,
    correlation_id: Option<Extension<CorrelationId>>,
    request: Request,
) -> Response {
    respond(&api, correlation_id, request, Some(name)).await
}

async fn respond(
    api: &QueryApi,
    correlation_id: Option<Extension<CorrelationId>>,
    request: Request,
    generation: Option<String>,
) -> Response {
    // Without the shared layers in front, a request still gets an id to be found by.
    let correlation_id =
        correlation_id.map_or_else(|| Uuid::now_v7().to_string(), |Extension(id)| id.as_str().to_owned());
    answer(api, &correlation_id, request, generation)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    api: &QueryApi,
    correlation_id: &str,
    request: Request,
    generation: Option<String>,
) -> Result<Response, Refused> {
    let method = request.method().clone();
    if method != Method::POST && method != Method::GET {
        return Err(Refused::Method);
    }
    let viewer = authentication::viewer(api.signing_key(), request.headers())?;
    if let Some(name) = &generation {
        may_travel(viewer, name)?;
    }
    let media_type = media_type::negotiate(request.headers())?;
    let headers = request.headers().clone();
    let mut operation = if method == Method::GET {
        let RawQuery(query) = RawQuery::from_request(request, &()).await.unwrap_or(RawQuery(None));
        parameters::of_query_string(query.as_deref().unwrap_or_default(), &headers, api.options())?
    } else {
        let body = body(request, &headers).await?;
        parameters::of_body(&body, &headers, api.options())?
    };
    operation.generation = generation;
    let answer = execute(api, viewer, correlation_id, operation).await;
    Ok(response::of_answer(&answer, media_type))
}

fn may_travel(viewer: Viewer, name: &str) -> Result<(), Refused> {
    if !viewer.travels() {
        let title = "Only analysts and admins ask generations of time travel";
        return Err(Problem::new(StatusCode::FORBIDDEN, "auth.wrong-role", title).into());
    }
    if name.len() > NAME_MAX_BYTES {
        let title = "There is no generation of this name";
        return Err(Problem::new(StatusCode::NOT_FOUND, "generation.unknown", title).into());
    }
    Ok(())
}

async fn body(request: Request, headers: &HeaderMap) -> Result<Bytes, Refused> {
    media_type::require_json(headers)?;
    Bytes::from_request(request, &())
        .await
        .map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(failure) if failure.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "request.body-too-large",
                    "Request body too large",
                )
                .into()
            }
            _ => Problem::new(
                StatusCode::BAD_REQUEST,
                "request.not-readable",
                "Request cannot be read",
            )
            .into(),
        })
}

/// A request that is no GraphQL operation.
pub(crate) enum Refused {
    /// Neither GET nor POST.
    Method,
    /// Anything else.
    Problem(Box<Problem>),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Method => {
                let problem = Problem::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "route.method-not-allowed",
                    "Method not allowed",
                );
                let mut response = problem.into_response();
                response
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static("GET, POST"));
                response
            }
            Self::Problem(problem) => {
                let unauthorized = problem.status() == StatusCode::UNAUTHORIZED;
                let mut response = problem.into_response();
                if unauthorized {
                    authentication::challenge(response.headers_mut());
                }
                debug_assert!(
                    response.headers().contains_key(CONTENT_TYPE),
                    "a problem has a media type"
                );
                response
            }
        }
    }
}
