//! Bearer tokens: JSON Web Tokens signed with HS256 and a key that the nodes of one installation share.

mod signing_key;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use signing_key::{SigningKey, SigningKeyError};

/// Who a verified token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The user or service.
    pub subject: Uuid,
    /// Its role, as the issuer wrote it.
    pub role: String,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
}

/// Why a token was not accepted. Never says more than a stranger may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of this service: unreadable, another issuer, audience or algorithm, or a claim is missing.
    #[error("token is not one of this service")]
    Malformed,
    /// Signed with another key, or changed after signing.
    #[error("token has a bad signature")]
    BadSignature,
    /// Its time is over.
    #[error("token has expired")]
    Expired,
    /// Its time has not come.
    #[error("token is not valid yet")]
    NotYetValid,
}

/// The token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("token cannot be signed")]
pub struct MintError(#[from] jsonwebtoken::errors::Error);

/// Issuer and audience of every token: a token of another system with the same key by mistake is not one of ours.
const REALM: &str = "coding-agent";

/// Audience of the tokens between nodes.
const NODES: &str = "coding-agent-nodes";

/// Made for one request.
const NODE_TOKEN_LIFETIME: Duration = Duration::from_secs(30);

/// Nodes' clocks differ a little; a token minted on one must not be too young for the next.
const CLOCK_LEEWAY_SECONDS: i64 = 5;

/// Ours are about 300 bytes. Longer text is refused before it costs anything.
const LARGEST_TOKEN_BYTES: usize = 4_096;

/// The claims as they are in the token.
#[derive(Debug, Serialize, Deserialize)]
struct WireClaims {
    iss: String,
    aud: String,
    sub: Uuid,
    role: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}
