use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::{Backend, InvalidKey, PublicKey, VerifyingKey};

/// Pure Rust through jsonwebtoken, for targets without a C compiler and for wasm32.
///
/// jsonwebtoken's provider is called by name and never as the process's default, which panics where both of
/// its back ends are compiled in.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl Backend for RustCrypto {
    fn key(&self, key: &PublicKey) -> Result<Box<dyn VerifyingKey>, InvalidKey> {
        let (algorithm, key) = match key {
            PublicKey::Rsa { n, e } => (Algorithm::RS256, DecodingKey::from_rsa_raw_components(n, e)),
            PublicKey::P256(point) => (Algorithm::ES256, DecodingKey::from_ec_der(point)),
            PublicKey::Ed25519(key) => {
                let key = DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(key));
                (Algorithm::EdDSA, key.map_err(|_| InvalidKey)?)
            }
        };
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &key).map_err(|_| InvalidKey)?;
        Ok(Box::new(RustCryptoKey { algorithm, key }))
    }
}

struct RustCryptoKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl VerifyingKey for RustCryptoKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm, &self.key)
            .is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
    }
}
