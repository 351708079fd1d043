//! A connection between a node and a server that can be disturbed: a TCP proxy on 127.0.0.1.
//!
//! Its [`Disturbance`] can be changed at any time, and holds for the connections that are open and for new ones.

mod carry;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// More connections than two nodes and their readers make.
const CONNECTIONS: usize = 1_024;

/// What a link does to what passes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// Nothing.
    None,
    /// Everything arrives later, in both directions.
    Delay(Duration),
    /// Connections are closed, and new ones closed at once.
    Cut,
    /// Requests arrive, answers do not; the connections stay open, and are closed when the disturbance ends.
    SwallowAnswers,
    /// Requests arrive, and a connection is closed in place of its next answer.
    CutAtAnswer,
    /// Requests arrive, answers do not, and on a connection that lost one no answer ever comes again, also after the disturbance. So it is
    /// when something between both sides has forgotten a connection.
    BlackHole,
}

/// What links have done so far.
#[derive(Debug, Default)]
pub struct Damage {
    /// Connections that a disturbance closed.
    pub cut: AtomicU64,
    /// Pieces of answers that were lost after their request had gone through.
    pub answers_lost: AtomicU64,
}

/// A proxy. It ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Link {
    port: u16,
    disturbance: watch::Sender<Disturbance>,
    damage: Arc<Damage>,
    _task: AbortOnDropHandle<()>,
}

impl Link {
    /// Takes connections on `port` (0 for a free one) and makes one to `target` for each.
    pub async fn open(port: u16, target: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .context("a proxy cannot listen")?;
        let port = listener.local_addr().context("a proxy has no address")?.port();
        let disturbance = watch::Sender::new(Disturbance::None);
        let damage: Arc<Damage> = Arc::default();
        let accepting = accept(listener, target, disturbance.subscribe(), Arc::clone(&damage));
        Ok(Self {
            port,
            disturbance,
            damage,
            _task: AbortOnDropHandle::new(tokio::spawn(accepting)),
        })
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, this happens.
    pub fn disturb(&self, disturbance: Disturbance) {
        self.disturbance.send_replace(disturbance);
    }

    /// What it has done: connections cut, answers lost.
    pub fn damage(&self) -> (u64, u64) {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        (read(&self.damage.cut), read(&self.damage.answers_lost))
    }
}

async fn accept(listener: TcpListener, target: u16, disturbance: watch::Receiver<Disturbance>, damage: Arc<Damage>) {
    // Dropped with this task, which ends all of them.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        if *disturbance.borrow() == Disturbance::Cut || connections.len() >= CONNECTIONS {
            damage.cut.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let (disturbance, damage) = (disturbance.clone(), Arc::clone(&damage));
        connections.spawn(async move {
            // Refused by the server: the client's connection is closed too.
            if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await {
                carry::between(client, server, disturbance, damage).await;
            }
        });
    }
}
