use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing::get;
use platform::http::ServeLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::running_server::RunningServer;

/// Far above what the rule needs, far below a test that hangs.
const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_request_under_way_is_finished_at_shutdown_and_no_new_one_is_taken() {
    let (arrived, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = Router::new().route("/", {
        let (arrived, finish) = (arrived.clone(), finish.clone());
        get(|| async move {
            arrived.notify_one();
            finish.notified().await;
            "finished"
        })
    });
    let server = RunningServer::start(router).await;
    let answer = tokio::spawn(server.client().get(server.url("/")).send());
    arrived.notified().await;

    server.shutdown.trigger();
    // The listener closes some moment after the trigger.
    let closed = async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, closed).await.unwrap();
    assert!(!server.ended.is_finished());
    finish.notify_one();

    assert_eq!(answer.await.unwrap().unwrap().text().await.unwrap(), "finished");
    timeout(DEADLINE, server.ended).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_is_dropped_when_the_time_to_drain_is_over() {
    let arrived = Arc::new(Notify::new());
    let router = Router::new().route("/", {
        let arrived = arrived.clone();
        get(|| async move {
            arrived.notify_one();
            std::future::pending::<()>().await;
        })
    });
    let limits = ServeLimits {
        drain: Duration::from_millis(50),
        ..ServeLimits::default()
    };
    let server = RunningServer::start_with(router, limits).await;
    let answer = tokio::spawn(server.client().get(server.url("/")).send());
    arrived.notified().await;

    server.shutdown.trigger();

    timeout(DEADLINE, server.ended).await.unwrap().unwrap().unwrap();
    assert!(answer.await.unwrap().is_err());
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_shutdown() {
    let server = RunningServer::start(Router::new().route("/", get(|| async { "hello" }))).await;
    server
        .client()
        .get(server.url("/"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();

    server.shutdown.trigger();

    timeout(Duration::from_secs(2), server.ended)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_client_that_never_sends_its_request_is_cut_off() {
    let limits = ServeLimits {
        header_timeout: Duration::from_millis(100),
        ..ServeLimits::default()
    };
    let server = RunningServer::start_with(Router::new(), limits).await;
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.unwrap();

    let mut answer = Vec::new();
    let read = timeout(DEADLINE, slow.read_to_end(&mut answer))
        .await
        .expect("the connection is closed");

    assert!(read.is_ok() || answer.is_empty());
}

#[tokio::test]
async fn a_connection_above_the_bound_waits_for_room() {
    let limits = ServeLimits {
        max_connections: 1,
        ..ServeLimits::default()
    };
    let server = RunningServer::start_with(Router::new().route("/", get(|| async { "hello" })), limits).await;
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut buffer = [0; 1_024];
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(request).await.unwrap();
    assert!(first.read(&mut buffer).await.unwrap() > 0);

    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(request).await.unwrap();
    assert!(
        timeout(Duration::from_millis(100), second.read(&mut buffer))
            .await
            .is_err(),
        "must wait"
    );
    drop(first);

    assert!(timeout(DEADLINE, second.read(&mut buffer)).await.unwrap().unwrap() > 0);
}

#[tokio::test]
async fn handlers_see_the_address_of_the_client() {
    let router = Router::new().route(
        "/",
        get(|ConnectInfo(client): ConnectInfo<SocketAddr>| async move { client.ip().to_string() }),
    );
    let server = RunningServer::start(router).await;

    let answer = server.client().get(server.url("/")).send().await.unwrap();

    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.text().await.unwrap(), "127.0.0.1");
}
