//! GraphQL over HTTP, by the published draft as the `graphql-http` audit checks it: `POST /graphql` and `GET /graphql`. The same of a
//! generation of time travel is at `/graphql/generations/{name}`, for analysts and administrators. A mutation is taken by POST only.
//!
//! Our own layer, because the stock one ignores `Accept`, takes bodies of any type and arrays of operations. What is not a GraphQL answer
//! (no token, an unreadable body) is a problem (RFC 9457), never a GraphQL media type.

mod authentication;
mod entity_tag;
mod event_stream;
mod media_type;
mod origin;
mod parameters;
mod profile;
mod response;
mod websocket;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, RawQuery, Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use platform::http::{CorrelationId, TraceParent};
use platform::problem::Problem;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use uuid::Uuid;

use crate::QueryApi;
use crate::caller::Trace;
use crate::execution::{Operation, Transport, execute};
use crate::viewer::Viewer;
use response::Asked;

pub use profile::HttpProfile;

/// The path of the service.
pub const PATH: &str = "/graphql";
/// The path of one generation of time travel.
pub const GENERATION_PATH: &str = "/graphql/generations/{name}";
/// Longest name that is looked up.
const NAME_MAX_BYTES: usize = 64;

/// The routes of the service, without the layers that all services share.
pub fn router(api: QueryApi) -> Router {
    let limit = DefaultBodyLimit::max(api.options().max_body_bytes);
    let layers = ServiceBuilder::new()
        .layer(origin::cors(api.options()))
        .layer(CompressionLayer::new().compress_when(worth_compressing()))
        .layer(limit);
    Router::new()
        .route(PATH, any(graphql))
        .route(GENERATION_PATH, any(graphql_of_generation))
        .layer(layers)
        .with_state(api)
}

/// Below this the headers weigh more than what is saved.
const COMPRESSED_FROM_BYTES: u16 = 1_024;

/// An event stream must not wait in a compressor.
fn worth_compressing() -> impl Predicate {
    SizeAbove::new(COMPRESSED_FROM_BYTES).and(NotForContentType::const_new("text/event-stream"))
}

async fn graphql(State(api): State<QueryApi>, request: Request) -> Response {
    respond(&api, request, None).await
}

async fn graphql_of_generation(State(api): State<QueryApi>, Path(name): Path<String>, request: Request) -> Response {
    respond(&api, request, Some(name)).await
}

async fn respond(api: &QueryApi, request: Request, generation: Option<String>) -> Response {
    match answer(api, request, generation).await {
        Ok(response) => response,
        Err(Refused::Problem(problem)) if problem.code() == parameters::INVALID_PARAMETERS => {
            let status = api.options().http_profile.invalid_parameters();
            problem.with_status(status).into_response()
        }
        Err(refused) => refused.into_response(),
    }
}

async fn answer(api: &QueryApi, request: Request, generation: Option<String>) -> Result<Response, Refused> {
    let method = request.method().clone();
    if method != Method::POST && method != Method::GET {
        return Err(Refused::Method);
    }
    origin::check(request.headers(), api.options())?;
    let trace = trace(&request);
    if websocket::is_wanted(request.headers()) {
        return websocket::open(api, trace, request, generation).await;
    }
    let authenticated = authentication::of_headers(api.signing_key(), request.headers())?;
    if let Some(name) = &generation {
        may_travel(authenticated.viewer, name)?;
    }
    if media_type::wants_event_stream(request.headers()) {
        return event_stream::open(api, authenticated, &trace, request, generation).await;
    }
    let media_type = media_type::negotiate(request.headers())?;
    let by_get = method == Method::GET;
    let (operation, headers) = operation(api, request, generation).await?;
    let answer = execute(api, &authenticated.caller(&trace), &operation).await;
    let asked = Asked {
        media_type,
        by_get: Some(&headers).filter(|_| by_get),
        correlation_id: &trace.correlation_id,
    };
    Ok(response::of_answer(&answer, &asked, api.options()))
}

/// Without the shared layers in front, a request still gets an id to be found by.
fn trace(request: &Request) -> Trace {
    let correlation_id = request.extensions().get::<CorrelationId>();
    let traceparent = request.extensions().get::<TraceParent>();
    Trace {
        correlation_id: correlation_id.map_or_else(|| Uuid::now_v7().to_string(), |id| id.as_str().to_owned()),
        traceparent: traceparent.and_then(|parent| parent.0.clone()),
    }
}

/// What is asked, by GET or POST.
async fn operation(
    api: &QueryApi,
    request: Request,
    generation: Option<String>,
) -> Result<(Operation, HeaderMap), Refused> {
    let headers = request.headers().clone();
    let by_get = request.method() == Method::GET;
    let mut operation = if by_get {
        let RawQuery(query) = RawQuery::from_request(request, &()).await.unwrap_or(RawQuery(None));
        parameters::of_query_string(query.as_deref().unwrap_or_default(), &headers, api.options())?
    } else {
        let body = body(request, &headers).await?;
        parameters::of_body(&body, &headers, api.options())?
    };
    operation.generation = generation;
    if by_get {
        operation.transport = Transport::Get;
    }
    Ok((operation, headers))
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
