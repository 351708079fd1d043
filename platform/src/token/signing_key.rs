//! The key that signs and verifies tokens, and the file that holds it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use jsonwebtoken::errors::ErrorKind as JwtErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::RngCore;
use uuid::Uuid;

use super::{
    CLOCK_LEEWAY_SECONDS, Claims, LARGEST_TOKEN_BYTES, MintError, NODE_TOKEN_LIFETIME, NODES, REALM, TokenError,
    WireClaims,
};
use crate::clock;

/// As many bytes as HS256 gives out; RFC 7518 asks for no fewer.
const SECRET_BYTES: usize = 32;

/// Bits of a file mode that let anybody but the owner in.
const OTHERS: u32 = 0o077;

/// Why the key file was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The file could not be read or made.
    #[error("signing key file {} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error("signing key file {path} is open to others (mode {mode:03o}): run chmod 600 {path}", path = path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold a key.
    #[error("signing key file {} does not hold {SECRET_BYTES} bytes in base64", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
}

/// Signs and verifies tokens. Printing it shows nothing.
#[derive(Clone)]
pub struct SigningKey {
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl SigningKey {
    /// A key from its secret bytes.
    pub fn from_secret(secret: &[u8; SECRET_BYTES]) -> Self {
        Self {
            signing: EncodingKey::from_secret(secret),
            verifying: DecodingKey::from_secret(secret),
        }
    }

    /// The key in the file, which is made with a random key when there is none.
    ///
    /// Several processes may do this at once: all get the same key. A half-written file cannot be seen.
    pub fn load_or_create(path: &Path) -> Result<Self, SigningKeyError> {
        let failed = |source| SigningKeyError::File {
            path: path.to_owned(),
            source,
        };
        match File::open(path) {
            Ok(file) => return Self::read(path, file),
            Err(error) if error.kind() == ErrorKind::NotFound => create(path).map_err(failed)?,
            Err(error) => return Err(failed(error)),
        }
        // Read back and not kept: when another process was faster, its key is the one.
        Self::read(path, File::open(path).map_err(failed)?)
    }

    fn read(path: &Path, file: File) -> Result<Self, SigningKeyError> {
        let failed = |source| SigningKeyError::File {
            path: path.to_owned(),
            source,
        };
        // Of the open file and not of the path, which could be another file by now.
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(SigningKeyError::OpenToOthers {
                path: path.to_owned(),
                mode,
            });
        }
        let mut bytes = Vec::new();
        file.take(1_024).read_to_end(&mut bytes).map_err(failed)?;
        STANDARD
            .decode(bytes.trim_ascii())
            .ok()
            .and_then(|secret| <[u8; SECRET_BYTES]>::try_from(secret).ok())
            .map(|secret| Self::from_secret(&secret))
            .ok_or_else(|| SigningKeyError::NotAKey { path: path.to_owned() })
    }

    /// A token for `subject` in `role`, valid from now on for `lifetime`.
    pub fn mint(&self, subject: Uuid, role: &str, lifetime: Duration) -> Result<String, MintError> {
        self.mint_for(REALM, subject, role, lifetime)
    }

    /// A token by which one node of the installation shows itself to another. Clients never get one, and no route for clients takes it.
    pub fn mint_for_node(&self) -> Result<String, MintError> {
        self.mint_for(NODES, Uuid::nil(), "node", NODE_TOKEN_LIFETIME)
    }

    fn mint_for(&self, audience: &str, subject: Uuid, role: &str, lifetime: Duration) -> Result<String, MintError> {
        let now = clock::now().timestamp();
        let claims = WireClaims {
            iss: REALM.to_owned(),
            aud: audience.to_owned(),
            sub: subject,
            role: role.to_owned(),
            iat: now,
            nbf: now,
            exp: now.saturating_add_unsigned(lifetime.as_secs()),
        };
        Ok(jsonwebtoken::encode(
            &Header::new(Algorithm::HS256),
            &claims,
            &self.signing,
        )?)
    }

    /// Who the token speaks for.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        self.verify_for(REALM, token)
    }

    /// Is it the token of another node of this installation ([`Self::mint_for_node`])?
    pub fn verify_node(&self, token: &str) -> Result<(), TokenError> {
        self.verify_for(NODES, token).map(drop)
    }

    fn verify_for(&self, audience: &str, token: &str) -> Result<Claims, TokenError> {
        if token.len() > LARGEST_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        // The algorithm is pinned: the token's own word on how to check it counts for nothing.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[REALM]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "nbf", "exp"]);
        // Below, by our clock: the crate's own check reads the wall clock elsewhere.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<WireClaims>(token, &self.verifying, &validation)
            .map_err(|error| match error.kind() {
                JwtErrorKind::InvalidSignature => TokenError::BadSignature,
                _ => TokenError::Malformed,
            })?
            .claims;
        let now = clock::now().timestamp();
        if claims.exp.saturating_add(CLOCK_LEEWAY_SECONDS) <= now {
            return Err(TokenError::Expired);
        }
        if claims.nbf.saturating_sub(CLOCK_LEEWAY_SECONDS) > now {
            return Err(TokenError::NotYetValid);
        }
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(TokenError::Malformed)?;
        Ok(Claims {
            subject: claims.sub,
            role: claims.role,
            expires_at,
        })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SigningKey")
    }
}

/// Makes the file whole or not at all: written under another name, then linked, which never replaces a file.
fn create(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut secret = [0_u8; SECRET_BYTES];
    rand::rng().fill_bytes(&mut secret);

    let mut draft_name = path.file_name().unwrap_or_default().to_owned();
    draft_name.push(format!(".{}", Uuid::new_v4()));
    let draft = folder.join(draft_name);
    let written = write_private(&draft, &STANDARD.encode(secret)).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    fs::remove_file(&draft)?;
    written?;
    // The name must survive a crash too: tokens signed with a lost key would all turn bad.
    File::open(folder)?.sync_all()
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // The umask can only take bits away from the mode above, so this never widens it for a moment.
    file.set_permissions(Permissions::from_mode(0o600))?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
