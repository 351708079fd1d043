//! The running digest: each record hashed together with everything before it, so that lost or changed history shows.

use sha2::{Digest as _, Sha256};

/// The first 128 bits of a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Digest(pub u128);

impl Digest {
    /// Before the first record.
    pub const START: Self = Self(0);

    /// Hashes parts, each preceded by its length, so that moving a byte from one part to the next changes the result.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self::finish(hasher)
    }

    /// The first 64 bits: what readers keep for each offset of the window.
    pub fn short(self) -> u64 {
        (self.0 >> 64) as u64
    }

    fn finish(hasher: Sha256) -> Self {
        let hash = hasher.finalize();
        Self(
            hash.iter()
                .take(16)
                .fold(0_u128, |value, byte| (value << 8) | u128::from(*byte)),
        )
    }
}

/// The running digest after a record with digest `content`.
pub fn chain(before: Digest, content: Digest) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(before.0.to_be_bytes());
    hasher.update(content.0.to_be_bytes());
    Digest::finish(hasher)
}
