//! A link does what it says.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use faults::link::{Disturbance, Link};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Far longer than anything on loopback takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that answers each byte with itself, and tells here what it got.
async fn echo() -> (u16, mpsc::UnboundedReceiver<u8>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                while let Ok(byte) = connection.read_u8().await {
                    tell.send(byte).unwrap();
                    if connection.write_u8(byte).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (port, told)
}

async fn connect(link: &Link) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, link.port())).await.unwrap()
}

/// The answer; nothing when the connection is closed instead.
async fn ask(connection: &mut TcpStream, byte: u8) -> Option<u8> {
    connection.write_u8(byte).await.ok()?;
    tokio::time::timeout(PATIENCE, connection.read_u8())
        .await
        .expect("an answer or an end")
        .ok()
}

#[tokio::test]
async fn undisturbed_it_carries_both_ways_and_delayed_it_carries_later() {
    let (port, _told) = echo().await;
    let link = Link::open(0, port).await.unwrap();
    let mut connection = connect(&link).await;
    assert_eq!(ask(&mut connection, 1).await, Some(1));
    let delay = Duration::from_millis(60);
    link.disturb(Disturbance::Delay(delay));
    let begun = Instant::now();
    assert_eq!(ask(&mut connection, 2).await, Some(2));
    assert!(
        begun.elapsed() >= 2 * delay,
        "both directions are late: {:?}",
        begun.elapsed()
    );
    assert_eq!(link.damage(), (0, 0));
}

#[tokio::test]
async fn cut_it_closes_what_is_open_and_takes_nothing_new_until_it_is_healed() {
    let (port, _told) = echo().await;
    let link = Link::open(0, port).await.unwrap();
    let mut connection = connect(&link).await;
    assert_eq!(ask(&mut connection, 1).await, Some(1));
    link.disturb(Disturbance::Cut);
    assert_eq!(ask(&mut connection, 2).await, None);
    assert_eq!(ask(&mut connect(&link).await, 3).await, None);
    link.disturb(Disturbance::None);
    assert_eq!(ask(&mut connect(&link).await, 4).await, Some(4));
    assert_eq!(link.damage(), (2, 0));
}

#[tokio::test]
async fn answers_are_lost_after_their_requests_went_through() {
    let (port, mut told) = echo().await;
    let link = Link::open(0, port).await.unwrap();
    let mut connection = connect(&link).await;
    link.disturb(Disturbance::SwallowAnswers);
    connection.write_u8(7).await.unwrap();
    assert_eq!(told.recv().await, Some(7), "the request went through");
    let lost = async {
        while link.damage() != (0, 1) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, lost).await.expect("its answer is lost");
    link.disturb(Disturbance::None);
    let end = tokio::time::timeout(PATIENCE, connection.read_u8())
        .await
        .expect("an end");
    assert!(end.is_err(), "a connection that lost an answer is closed at the end");

    let mut connection = connect(&link).await;
    link.disturb(Disturbance::CutAtAnswer);
    assert_eq!(ask(&mut connection, 8).await, None);
    assert_eq!(told.recv().await, Some(8), "the request went through");
}

#[tokio::test]
async fn in_a_black_hole_no_answer_comes_again_but_new_connections_are_good() {
    let (port, mut told) = echo().await;
    let link = Link::open(0, port).await.unwrap();
    let mut holed = connect(&link).await;
    link.disturb(Disturbance::BlackHole);
    holed.write_u8(5).await.unwrap();
    assert_eq!(told.recv().await, Some(5), "the request went through");
    let lost = async {
        while link.damage() != (0, 1) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, lost).await.expect("its answer is lost");
    link.disturb(Disturbance::None);
    holed.write_u8(6).await.unwrap();
    assert_eq!(told.recv().await, Some(6), "the request went through");
    let mut fresh = connect(&link).await;
    assert_eq!(ask(&mut fresh, 7).await, Some(7));
    let never = tokio::time::timeout(Duration::from_millis(100), holed.read_u8()).await;
    assert!(never.is_err(), "neither an answer nor an end: {never:?}");
}
