use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use platform::http::{BodyLimitOfRoute, CorrelationId, HttpOptions, TraceParent, with_standard_layers};
use platform::telemetry::{self, LogFormat, TelemetryOptions};
use reqwest::{Body, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use crate::running_server::RunningServer;
use crate::telemetry::log_of_this_thread;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[derive(Deserialize)]
struct Named {
    name: String,
}

fn routes() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/things/{id}", get(|| async { "a thing" }))
        .route("/context", get(context))
        .route("/panics", get(|| async { panics() }))
        .route("/never", get(std::future::pending::<&'static str>))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/bulk", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/named", post(|Json(named): Json<Named>| async move { named.name }))
}

fn panics() -> &'static str {
    panic!("as the test wants")
}

async fn context(
    Extension(correlation_id): Extension<CorrelationId>,
    Extension(TraceParent(trace_parent)): Extension<TraceParent>,
) -> Json<Value> {
    Json(json!({"correlationId": correlation_id.as_str(), "traceParent": trace_parent}))
}

fn options() -> HttpOptions {
    HttpOptions {
        max_body_bytes: 1_000,
        request_timeout_ms: 200,
        ..HttpOptions::default()
    }
}

fn layered() -> Router {
    with_standard_layers(
        routes(),
        &options(),
        &[BodyLimitOfRoute {
            route: "/bulk",
            max_body_bytes: 5_000,
        }],
    )
}

async fn server() -> RunningServer {
    RunningServer::start(layered()).await
}

async fn get_with(server: &RunningServer, path: &str, headers: &[(&'static str, &str)]) -> Response {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    server
        .client()
        .get(server.url(path))
        .headers(headers)
        .send()
        .await
        .unwrap()
}

async fn post_to(server: &RunningServer, path: &str, body: impl Into<Body>) -> Response {
    server.client().post(server.url(path)).body(body).send().await.unwrap()
}

/// The members of a problem, after checking what every problem has.
async fn problem(answer: Response, status: StatusCode, code: &str) -> Value {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let correlation_id = answer.headers()["x-correlation-id"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        (&body["code"], &body["status"]),
        (&code.into(), &status.as_u16().into())
    );
    assert_eq!(body["correlationId"], correlation_id);
    body
}

#[tokio::test]
async fn a_given_correlation_id_is_kept_and_a_bad_one_replaced() {
    let server = server().await;
    let longest = "x".repeat(128);
    for given in ["abc-1", longest.as_str()] {
        let answer = get_with(&server, "/context", &[("x-correlation-id", given)]).await;
        assert_eq!(answer.headers()["x-correlation-id"], given);
        assert_eq!(answer.json::<Value>().await.unwrap()["correlationId"], given);
    }
    let too_long = "x".repeat(129);
    for given in ["", "two words", too_long.as_str()] {
        let answer = get_with(&server, "/", &[("x-correlation-id", given)]).await;
        let made: Uuid = answer.headers()["x-correlation-id"].to_str().unwrap().parse().unwrap();
        assert_eq!(made.get_version_num(), 7);
    }
}

#[tokio::test]
async fn a_trace_parent_is_passed_on_only_when_it_is_well_formed() {
    let server = server().await;
    let newer = TRACE.replacen("00", "cc", 1) + "-more";
    for good in [TRACE, newer.as_str()] {
        let answer = get_with(&server, "/context", &[("traceparent", good)]).await;
        assert_eq!(answer.json::<Value>().await.unwrap()["traceParent"], good);
    }
    let zero_trace = TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
    let zero_parent = TRACE.replace("00f067aa0ba902b7", &"0".repeat(16));
    let (upper, forbidden) = (TRACE.to_uppercase(), TRACE.replacen("00", "ff", 1));
    let (longer, too_long) = (format!("{TRACE}-more"), newer.clone() + &"x".repeat(256));
    for bad in [
        "",
        "00-abc",
        &zero_trace,
        &zero_parent,
        &upper,
        &forbidden,
        &longer,
        &too_long,
    ] {
        let answer = get_with(&server, "/context", &[("traceparent", bad)]).await;
        assert_eq!(
            answer.json::<Value>().await.unwrap()["traceParent"],
            Value::Null,
            "{bad}"
        );
    }
    let answer = get_with(&server, "/context", &[("traceparent", TRACE), ("x-other", "y")]).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["traceParent"], TRACE);
}

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_problems() {
    let server = server().await;

    problem(
        get_with(&server, "/nowhere", &[]).await,
        StatusCode::NOT_FOUND,
        "route.not-found",
    )
    .await;
    let answer = post_to(&server, "/", "").await;
    assert_eq!(answer.headers()["allow"], "GET,HEAD");
    problem(answer, StatusCode::METHOD_NOT_ALLOWED, "route.method-not-allowed").await;
}

#[tokio::test]
async fn a_head_request_is_answered_without_a_body_also_for_problems() {
    let server = server().await;

    let answer = server.client().head(server.url("/nowhere")).send().await.unwrap();

    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(answer.headers().contains_key("x-correlation-id"));
    assert!(answer.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing_and_the_server_lives_on() {
    let server = server().await;

    let body = problem(
        get_with(&server, "/panics", &[]).await,
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal.unexpected",
    )
    .await;

    assert!(!body.to_string().contains("as the test wants"), "{body}");
    assert_eq!(get_with(&server, "/", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_takes_too_long_has_an_unknown_outcome() {
    let server = server().await;

    let answer = get_with(&server, "/never", &[]).await;

    assert_eq!(answer.headers()["retry-after"], "1");
    let body = problem(answer, StatusCode::SERVICE_UNAVAILABLE, "request.timed-out").await;
    assert_eq!(body["outcome"], "unknown");
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_announced_or_not() {
    let server = server().await;
    assert_eq!(
        post_to(&server, "/length", vec![b'x'; 1_000])
            .await
            .text()
            .await
            .unwrap(),
        "1000"
    );

    let announced = post_to(&server, "/length", vec![b'x'; 1_001]).await;
    let body = problem(announced, StatusCode::PAYLOAD_TOO_LARGE, "request.body-too-large").await;
    assert_eq!(body["limit"], 1_000);

    // More than fits into the buffers of the connection: the client is still sending when it is refused.
    let large = post_to(&server, "/length", vec![b'x'; 32 * 1024 * 1024]).await;
    problem(large, StatusCode::PAYLOAD_TOO_LARGE, "request.body-too-large").await;

    // A stream has no length to announce: it is sent in chunks.
    let chunks = (0..3).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 400]));
    let streamed = Body::wrap_stream(futures::stream::iter(chunks));
    let unannounced = post_to(&server, "/length", streamed).await;
    problem(unannounced, StatusCode::PAYLOAD_TOO_LARGE, "request.body-too-large").await;
}

#[tokio::test]
async fn a_route_may_take_larger_bodies_than_the_others() {
    let server = server().await;

    assert_eq!(
        post_to(&server, "/bulk", vec![b'x'; 5_000]).await.text().await.unwrap(),
        "5000"
    );
    let body = post_to(&server, "/bulk", vec![b'x'; 5_001]).await;
    assert_eq!(
        problem(body, StatusCode::PAYLOAD_TOO_LARGE, "request.body-too-large").await["limit"],
        5_000
    );
}

#[tokio::test]
async fn what_extractors_refuse_is_a_problem() {
    let server = server().await;
    let send = |media_type: &'static str, body: &'static str| {
        server
            .client()
            .post(server.url("/named"))
            .header("content-type", media_type)
            .body(body)
            .send()
    };

    let broken = send("application/json", "{").await.unwrap();
    problem(broken, StatusCode::BAD_REQUEST, "request.not-readable").await;
    let text = send("text/plain", "{}").await.unwrap();
    problem(
        text,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "request.media-type-not-supported",
    )
    .await;
    let incomplete = send("application/json", "{}").await.unwrap();
    let body = problem(
        incomplete,
        StatusCode::UNPROCESSABLE_ENTITY,
        "request.content-not-valid",
    )
    .await;
    assert!(
        body["detail"].as_str().unwrap().contains("missing field `name`"),
        "{body}"
    );
}

#[tokio::test]
async fn a_request_is_logged_once_by_its_route_and_without_its_secrets() {
    let options = TelemetryOptions {
        format: LogFormat::Json,
        filter: "info".to_owned(),
    };
    // The service is called on this thread, so other tests do not write here.
    let (lines, _log) = log_of_this_thread(&options);
    let request = axum::http::Request::get("/things/secret-thing?token=hunter2")
        .header("authorization", "Bearer hunter2")
        .header("x-correlation-id", "abc")
        .body(axum::body::Body::from("hunter2"))
        .unwrap();

    layered().oneshot(request).await.unwrap();

    let lines: Vec<_> = lines
        .read()
        .into_iter()
        .filter(|line| line.contains("http_request"))
        .collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        !lines[0].contains("hunter2") && !lines[0].contains("secret-thing"),
        "{lines:?}"
    );
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["route"], "/things/{id}");
    assert_eq!((&line["method"], &line["status"]), (&"GET".into(), &200.into()));
    assert!(line["milliseconds"].as_f64().unwrap() > 0.0);
    assert_eq!(line["span"]["correlation_id"], "abc");
}

#[tokio::test]
async fn requests_are_counted_and_timed_by_route_and_not_by_path() {
    let metrics = telemetry::init(&TelemetryOptions {
        format: LogFormat::Text,
        filter: "off".to_owned(),
    })
    .unwrap();
    let router = Router::new()
        .route("/counted/{id}", get(|| async { "counted" }))
        .merge(metrics.router());
    let server = RunningServer::start(with_standard_layers(router, &options(), &[])).await;
    for path in ["/counted/1", "/counted/2", "/counted-nowhere"] {
        get_with(&server, path, &[]).await;
    }
    let odd = reqwest::Method::from_bytes(b"COUNTED").unwrap();
    server
        .client()
        .request(odd, server.url("/counted/1"))
        .send()
        .await
        .unwrap();

    let text = get_with(&server, "/metrics", &[]).await.text().await.unwrap();

    let labels = r#"{method="GET",route="/counted/{id}",status="200"}"#;
    assert!(text.contains(&format!("http_requests_total{labels} 2")), "{text}");
    assert!(
        text.contains(&format!("http_request_duration_seconds_count{labels} 2")),
        "{text}"
    );
    assert!(
        text.contains(r#"{method="OTHER",route="/counted/{id}",status="405"} 1"#),
        "{text}"
    );
    assert!(!text.contains("counted-nowhere") && !text.contains("COUNTED"), "{text}");
    assert!(text.contains(r#"route="unmatched",status="404""#), "{text}");
}

#[test]
fn options_have_safe_defaults_and_refuse_unknown_keys() {
    let options: HttpOptions = toml::from_str("").unwrap();
    assert_eq!(options, HttpOptions::default());
    assert!(options.listen.ip().is_loopback());
    assert_eq!(
        (
            options.listen.port(),
            options.max_body_bytes,
            options.request_timeout_ms
        ),
        (5000, 1_048_576, 30_000)
    );

    assert!(toml::from_str::<HttpOptions>("listne = '127.0.0.1:1'").is_err());
}
