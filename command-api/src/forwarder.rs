//! Commands to other nodes over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use platform::token::SigningKey;

use crate::handling::{Forwarder, Forwarding};
use crate::routes::forwarded;

/// A node that takes longer has troubles of its own.
const PATIENCE: Duration = Duration::from_secs(5);
const CONNECT_PATIENCE: Duration = Duration::from_millis(500);
/// More answers than any batch has.
const LARGEST_ANSWER: u64 = 8 << 20;

/// Reaches nodes at the addresses that they write into their commits.
pub(crate) struct HttpForwarder {
    /// None when it could not be made, which is told once; then nothing is forwarded.
    http: Option<reqwest::Client>,
    key: SigningKey,
}

impl HttpForwarder {
    pub(crate) fn new(key: SigningKey) -> Self {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(CONNECT_PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        if let Err(error) = &http {
            tracing::warn!(%error, "nothing is forwarded to other nodes");
        }
        Self { http: http.ok(), key }
    }
}

#[async_trait]
impl Forwarder for HttpForwarder {
    async fn forward(&self, node: &str, category: &'static str, batch: Vec<u8>) -> Forwarding {
        let (Some(http), Ok(token)) = (&self.http, self.key.mint_for_node()) else {
            return Forwarding::NotTaken;
        };
        let sent = http
            .post(format!("http://{node}{}/{category}", forwarded::PATH))
            .bearer_auth(token)
            .body(batch)
            .send()
            .await;
        let answered = match sent {
            Ok(answered) => answered,
            Err(error) => {
                tracing::debug!(node, %error, "commands could not be handed over");
                return if error.is_connect() {
                    Forwarding::NotTaken
                } else {
                    Forwarding::Unanswered
                };
            }
        };
        let status = answered.status();
        if !status.is_success() {
            tracing::debug!(node, status = status.as_u16(), "commands were not taken over");
            // What a node refuses for its form it has not begun.
            return if status.is_client_error() {
                Forwarding::NotTaken
            } else {
                Forwarding::Unanswered
            };
        }
        if answered.content_length().is_none_or(|length| length > LARGEST_ANSWER) {
            return Forwarding::Unanswered;
        }
        answered
            .bytes()
            .await
            .map_or(Forwarding::Unanswered, |answers| Forwarding::Answered(answers.into()))
    }
}
