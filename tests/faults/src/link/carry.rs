//! One connection through a link, both directions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::{Damage, Disturbance};

/// Pieces on their way in one direction; the sender waits when there are more.
const PIECES: usize = 256;
/// Bytes of a piece.
const PIECE: usize = 64 * 1024;

/// Carries until one side closes, or the disturbance does.
pub(super) async fn between(
    client: TcpStream,
    server: TcpStream,
    mut disturbance: watch::Receiver<Disturbance>,
    damage: Arc<Damage>,
) {
    // Without it a small piece may wait for an acknowledgement, and the proxy itself would be a disturbance.
    if client
        .set_nodelay(true)
        .and_then(|()| server.set_nodelay(true))
        .is_err()
    {
        return;
    }
    let (spoiled, lost) = (AtomicBool::new(false), AtomicBool::new(false));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let requests = one_way(from_client, to_server, disturbance.clone(), |bytes, _| Some(bytes));
    let answers = one_way(from_server, to_client, disturbance.clone(), |bytes, now| match now {
        Disturbance::SwallowAnswers => {
            damage.answers_lost.fetch_add(1, Ordering::Relaxed);
            spoiled.store(true, Ordering::Relaxed);
            Some(Bytes::new())
        }
        Disturbance::CutAtAnswer => {
            damage.answers_lost.fetch_add(1, Ordering::Relaxed);
            damage.cut.fetch_add(1, Ordering::Relaxed);
            None
        }
        Disturbance::BlackHole => {
            damage.answers_lost.fetch_add(1, Ordering::Relaxed);
            lost.store(true, Ordering::Relaxed);
            Some(Bytes::new())
        }
        _ if lost.load(Ordering::Relaxed) => Some(Bytes::new()),
        // What comes after something that was lost cannot be understood.
        _ if spoiled.load(Ordering::Relaxed) => None,
        _ => Some(bytes),
    });
    let closed = async {
        while disturbance.changed().await.is_ok() {
            let now = *disturbance.borrow_and_update();
            let ends_swallowing = now != Disturbance::SwallowAnswers && spoiled.load(Ordering::Relaxed);
            if now == Disturbance::Cut || ends_swallowing {
                damage.cut.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
        () = closed => {}
    }
}

/// Carries one direction. `pass` says what becomes of a piece at the moment when it would be handed over; nothing closes the connection.
async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    disturbance: watch::Receiver<Disturbance>,
    pass: impl Fn(Bytes, Disturbance) -> Option<Bytes>,
) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Bytes)>(PIECES);
    let later = disturbance.clone();
    let reading = async move {
        let mut buffer = BytesMut::with_capacity(PIECE);
        // An end, a broken connection and a writer that has gone come to the same.
        while from.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
            let delay = match *disturbance.borrow() {
                Disturbance::Delay(delay) => delay,
                _ => std::time::Duration::ZERO,
            };
            if sender
                .send((Instant::now() + delay, buffer.split().freeze()))
                .await
                .is_err()
            {
                break;
            }
            buffer.reserve(PIECE);
        }
    };
    let writing = async {
        while let Some((due, bytes)) = receiver.recv().await {
            sleep_until(due).await;
            let now = *later.borrow();
            let Some(bytes) = pass(bytes, now) else { return };
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    // Whoever ends, the connection does: a reader whose bytes go nowhere would make a black hole of it.
    tokio::pin!(reading, writing);
    tokio::select! {
        () = &mut writing => {}
        // What was read before the end is still handed over.
        () = &mut reading => writing.await,
    }
}
