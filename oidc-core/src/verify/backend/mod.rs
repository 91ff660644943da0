//! Signature mathematics behind one small trait. Which back end does it is the application's explicit choice.

#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(feature = "rust-crypto")]
mod rust_crypto;

use std::fmt;

#[cfg(feature = "aws-lc")]
pub use self::aws_lc::AwsLc;
#[cfg(feature = "rust-crypto")]
pub use self::rust_crypto::RustCrypto;

/// Turns public keys into something that checks signatures.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Parses a key once, when it enters the cache. The parameters' sizes were checked.
    ///
    /// # Errors
    ///
    /// When the key is not one, such as a point that is not on its curve.
    fn key(&self, key: &PublicKey) -> Result<Box<dyn VerifyingKey>, InvalidKey>;
}

/// A parsed public key.
pub trait VerifyingKey: Send + Sync {
    /// Whether `signature` (as in a JWS: RSA's number, ECDSA's two numbers side by side, EdDSA's 64 bytes) is
    /// this key's over `message`.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// A public key's numbers, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// For RS256: modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// The modulus, 2048 to 8192 bits.
        n: Vec<u8>,
        /// The exponent, odd, 2 to 5 bytes at most.
        e: Vec<u8>,
    },
    /// For ES256: a point on P-256, uncompressed (`04 || x || y`, 65 bytes).
    P256([u8; 65]),
    /// For EdDSA: an Ed25519 key.
    Ed25519([u8; 32]),
}

/// A back end refused a key.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the key's numbers are not a key")]
pub struct InvalidKey;
