//! Sends the commands of a copy through the bulk route of the command API, as one request, and reads the answers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use bytes::{Buf as _, BytesMut};
use command_api::{BODY_LIMITS, CommandApi, CommandApiOptions, router};
use event_store::snapshot::PostgresSnapshots;
use futures::{StreamExt as _, stream};
use platform::http::{CORRELATION_ID_HEADER, HttpOptions, with_standard_layers};
use platform::token::SigningKey;
use replay_tools::progress::Meter;
use serde::Deserialize;
use tokio::time::sleep;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::{Copy, Target};

/// Who sends every command. Ids of events derive from it, so it never changes.
pub const PRINCIPAL: Uuid = Uuid::from_u128(0x8f1b_6d0e_3c54_5a7e_9b21_64d8_0f7c_a2e4);
/// Nobody else has to accept the token: the API that reads it is in this process.
const SECRET: [u8; 32] = *b"replicated histories stay local.";
const TOKEN_LIFETIME: Duration = Duration::from_hours(24);
/// Commands of one request that wait for their answers; the more, the larger are the transactions that they share.
const IN_FLIGHT: usize = 4_096;
/// A copy is sent again after answers like "too much waits" (commands that were done are then only answered), so often without any
/// command being done.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// The way into the log.
pub(super) struct Entrance {
    router: Router,
    authorization: String,
}

/// A copy that is in the log.
pub(super) struct Sent {
    /// Events that were not there before.
    pub(super) written: u64,
}

/// The members of an answer that tell whether the command is done.
#[derive(Debug, Deserialize)]
struct Answer {
    status: u16,
    #[serde(default)]
    repeated: bool,
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

/// Answers to one request.
#[derive(Debug, Default)]
struct Tally {
    applied: u64,
    repeated: u64,
    /// The code of an answer after which the command is to be sent again.
    again: Option<String>,
}

impl Entrance {
    pub(super) fn new(target: &Target) -> Result<Self> {
        let key = SigningKey::from_secret(&SECRET);
        let token = key.mint(PRINCIPAL, "service", TOKEN_LIFETIME)?;
        let options = CommandApiOptions {
            bulk_in_flight: IN_FLIGHT,
            ..CommandApiOptions::default()
        };
        let snapshots = Arc::new(PostgresSnapshots::new(target.pool.clone()));
        let api = CommandApi::new(target.store.clone(), snapshots, options, key);
        Ok(Self {
            router: with_standard_layers(router(api), &HttpOptions::default(), BODY_LIMITS),
            authorization: format!("Bearer {token}"),
        })
    }

    /// Sends a copy until every command of it is done.
    pub(super) async fn send(&self, copy: &Copy, meter: &Meter) -> Result<Sent> {
        let (mut written, mut idle, mut is_first) = (0, 0, true);
        loop {
            // What an attempt before this one has done is counted already.
            let tally = self
                .request(copy, |repeated| meter.advance(u64::from(is_first || !repeated)))
                .await?;
            is_first = false;
            written += tally.applied;
            let Some(code) = tally.again else {
                let done = tally.applied + tally.repeated;
                ensure!(
                    done == copy.events(),
                    "{done} of {} commands were answered",
                    copy.events()
                );
                return Ok(Sent { written });
            };
            idle = if tally.applied > 0 { 0 } else { idle + 1 };
            ensure!(idle < ATTEMPTS, "the log does not take it: {code}");
            sleep(PAUSE).await;
        }
    }

    async fn request(&self, copy: &Copy, done: impl Fn(bool) + Sync) -> Result<Tally> {
        let request = Request::post("/api/commands")
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header(CORRELATION_ID_HEADER, correlation_id(copy))
            .body(Body::from_stream(stream::iter(copy.lines())))?;
        let response = self.router.clone().oneshot(request).await?;
        ensure!(
            response.status() == StatusCode::OK,
            "the command API answers {}",
            response.status()
        );
        let mut body = response.into_body().into_data_stream();
        let (mut tally, mut received) = (Tally::default(), BytesMut::new());
        while let Some(piece) = body.next().await {
            received.extend_from_slice(&piece?);
            while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
                let line = received.split_to(end);
                received.advance(1);
                let answer: Answer = serde_json::from_slice(&line).context("an answer that cannot be read")?;
                let repeated = answer.repeated;
                if tally.count(answer)? {
                    done(repeated);
                }
            }
        }
        Ok(tally)
    }
}

impl Tally {
    /// Is the command done?
    fn count(&mut self, answer: Answer) -> Result<bool> {
        match answer.status {
            200..=299 if answer.repeated => self.repeated += 1,
            200..=299 => self.applied += 1,
            408 | 429 | 500..=599 => {
                self.again.get_or_insert(answer.code);
                return Ok(false);
            }
            // Also what comes after a command that is to be sent again may be refused for its sake.
            _ if self.again.is_some() => return Ok(false),
            _ => bail!("a command was refused: {} {}", answer.code, answer.detail),
        }
        Ok(true)
    }
}

/// The same in every run, and visible ASCII whatever the repository is called.
fn correlation_id(copy: &Copy) -> String {
    Uuid::new_v5(&PRINCIPAL, copy.repository().as_bytes()).to_string()
}
