//! Bearer tokens for callers. Made by hand, since those of the product begin now: they must hold at a node whose clock is behind.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine as _;
use jsonwebtoken::EncodingKey;
use platform::token::SigningKey;
use uuid::Uuid;

/// In seconds, to both sides of now.
const VALID: u64 = 24 * 60 * 60;

/// Makes tokens.
#[derive(Clone)]
pub struct Tokens {
    key: EncodingKey,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tokens")
    }
}

impl Tokens {
    /// With the key in the file, which is made when it is missing.
    pub(super) fn with_key_in(file: &Path) -> Result<Self> {
        SigningKey::load_or_create(file)?;
        let secret = std::fs::read_to_string(file).context("the signing key cannot be read")?;
        let secret = base64::engine::general_purpose::STANDARD.decode(secret.trim())?;
        Ok(Self {
            key: EncodingKey::from_secret(&secret),
        })
    }

    /// A token for this principal in this role.
    pub fn token(&self, principal: Uuid, role: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let claims = serde_json::json!({
            "iss": "coding-agent", "aud": "coding-agent", "sub": principal, "role": role,
            "iat": now - VALID, "nbf": now - VALID, "exp": now + VALID,
        });
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &self.key).context("a token cannot be made")
    }
}
