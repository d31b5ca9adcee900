//! Keys: what a token is checked or signed with. The algorithm belongs to the key, never to a token's header.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};

/// An HS256 secret must be at least as long as its hash: a shorter one can be guessed.
pub const MIN_SECRET_BYTES: usize = 32;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The secret is shorter than [`MIN_SECRET_BYTES`].
    #[error("the secret has {size} bytes; it needs at least {MIN_SECRET_BYTES}")]
    SecretTooShort {
        /// How many it has.
        size: usize,
    },
    /// The text is no PEM of the wanted kind.
    #[error("not a {wanted} in PEM form")]
    Pem {
        /// What was wanted.
        wanted: &'static str,
    },
    /// There is no key at all.
    #[error("no key to check tokens with")]
    NoKey,
}

/// What tokens are checked with. It has one algorithm, and a token that names another is refused.
#[derive(Clone)]
pub struct VerifyingKey {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl VerifyingKey {
    /// A shared secret, for HS256.
    ///
    /// # Errors
    /// [`KeyError::SecretTooShort`] below [`MIN_SECRET_BYTES`].
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Ok(Self::new(Algorithm::HS256, DecodingKey::from_secret(long_enough(secret.as_ref())?)))
    }

    /// An RSA public key, for RS256.
    ///
    /// # Errors
    /// [`KeyError::Pem`] if it is none.
    pub fn rs256_pem(pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let wanted = KeyError::Pem { wanted: "RSA public key" };
        public(pem.as_ref(), wanted)?;
        Ok(Self::new(Algorithm::RS256, DecodingKey::from_rsa_pem(pem.as_ref()).map_err(|_| wanted)?))
    }

    /// An Ed25519 public key, for `EdDSA`.
    ///
    /// # Errors
    /// [`KeyError::Pem`] if it is none.
    pub fn eddsa_pem(pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let wanted = KeyError::Pem { wanted: "Ed25519 public key" };
        public(pem.as_ref(), wanted)?;
        Ok(Self::new(Algorithm::EdDSA, DecodingKey::from_ed_pem(pem.as_ref()).map_err(|_| wanted)?))
    }

    /// The same under the name that tokens give in `kid`: it is tried first for them. The name is compared, never
    /// looked up anywhere.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    const fn new(algorithm: Algorithm, key: DecodingKey) -> Self {
        Self { id: None, algorithm, key }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What tokens are signed with.
#[derive(Clone)]
pub struct SigningKey {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: EncodingKey,
}

impl SigningKey {
    /// A shared secret, for HS256.
    ///
    /// # Errors
    /// [`KeyError::SecretTooShort`] below [`MIN_SECRET_BYTES`].
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::new(Algorithm::HS256, EncodingKey::from_secret(long_enough(secret.as_ref())?), "secret")
    }

    /// An RSA private key, for RS256.
    ///
    /// How long signing takes depends on the key (RUSTSEC-2023-0071). Where strangers can measure it, sign with
    /// [`SigningKey::eddsa_pem`]; checking signatures is not concerned.
    ///
    /// # Errors
    /// [`KeyError::Pem`] if it is none.
    pub fn rs256_pem(pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let wanted = "RSA private key";
        let key = EncodingKey::from_rsa_pem(pem.as_ref()).map_err(|_| KeyError::Pem { wanted })?;
        Self::new(Algorithm::RS256, key, wanted)
    }

    /// An Ed25519 private key, for `EdDSA`.
    ///
    /// # Errors
    /// [`KeyError::Pem`] if it is none.
    pub fn eddsa_pem(pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let wanted = "Ed25519 private key";
        let key = EncodingKey::from_ed_pem(pem.as_ref()).map_err(|_| KeyError::Pem { wanted })?;
        Self::new(Algorithm::EdDSA, key, wanted)
    }

    /// The same under a name that its tokens give as `kid`.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Signs once, so that a key that cannot sign is found when it is made.
    fn new(algorithm: Algorithm, key: EncodingKey, wanted: &'static str) -> Result<Self, KeyError> {
        crypto::sign(b"", &key, algorithm).map_err(|_| KeyError::Pem { wanted })?;
        Ok(Self { id: None, algorithm, key })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

fn long_enough(secret: &[u8]) -> Result<&[u8], KeyError> {
    if secret.len() < MIN_SECRET_BYTES { Err(KeyError::SecretTooShort { size: secret.len() }) } else { Ok(secret) }
}

/// Refuses a private key where a public one belongs: it would be accepted, and check nothing.
fn public(pem: &[u8], wanted: KeyError) -> Result<(), KeyError> {
    let is_public = std::str::from_utf8(pem).is_ok_and(|text| text.contains("PUBLIC KEY") && !text.contains("PRIVATE"));
    if is_public { Ok(()) } else { Err(wanted) }
}
