//! The mathematics of signatures behind one small trait. The application chooses the back end explicitly.

#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(feature = "rust-crypto")]
mod rust_crypto;

use std::fmt;

#[cfg(feature = "aws-lc")]
pub use self::aws_lc::AwsLc;
#[cfg(feature = "rust-crypto")]
pub use self::rust_crypto::RustCrypto;

/// Parses public keys for signature verification.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Parses a key once, when it enters the cache. The sizes of the numbers were checked before.
    ///
    /// # Errors
    ///
    /// When the parameters do not form a valid key, such as a point that is not on its curve.
    fn key(&self, key: &PublicKey) -> Result<Box<dyn VerifyingKey>, InvalidKey>;
}

/// A parsed public key.
pub trait VerifyingKey: Send + Sync {
    /// Returns `true` if `signature` is this key's signature of `message`, in the form of a JWS: RSA's
    /// number, ECDSA's two numbers side by side, or EdDSA's 64 bytes.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// The decoded numbers of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// For RS256: modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// The modulus, 2048 to 8192 bits.
        n: Vec<u8>,
        /// The exponent: odd, at most 5 bytes.
        e: Vec<u8>,
    },
    /// For ES256: a point on P-256, uncompressed (`04 || x || y`, 65 bytes).
    P256([u8; 65]),
    /// For ES384: a point on P-384, uncompressed (`04 || x || y`, 97 bytes).
    P384([u8; 97]),
    /// For EdDSA: an Ed25519 key.
    Ed25519([u8; 32]),
}

/// The error of a back end that refuses a key.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the key's parameters do not form a valid key")]
#[expect(clippy::exhaustive_structs, reason = "a back end of one's own says it")]
pub struct InvalidKey;
