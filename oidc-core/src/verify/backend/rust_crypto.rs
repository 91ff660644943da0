use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};
use rsa::pkcs1v15;
use rsa::sha2::Sha256;
use rsa::signature::Verifier as _;
use rsa::{BigUint, RsaPublicKey};

use super::{Backend, InvalidKey, PublicKey, VerifyingKey};

/// The largest modulus that the verifier allows; the library's own limit is half of it.
const MAX_RSA_BITS: usize = 8192;

/// Signature verification in pure Rust, for targets without a C compiler and for wasm32 (the crate's
/// documentation lists the choices of an application for wasm32-unknown-unknown). RSA is verified by the rsa
/// crate, which parses each key once, and the curves through jsonwebtoken.
///
/// jsonwebtoken's provider is called by name and not as the process's default, which panics where both of its
/// back ends are compiled in.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "an application writes its name")]
pub struct RustCrypto;

impl Backend for RustCrypto {
    fn key(&self, key: &PublicKey) -> Result<Box<dyn VerifyingKey>, InvalidKey> {
        match key {
            PublicKey::Rsa { n, e } => {
                let (n, e) = (BigUint::from_bytes_be(n), BigUint::from_bytes_be(e));
                let key = RsaPublicKey::new_with_max_size(n, e, MAX_RSA_BITS).map_err(|_| InvalidKey)?;
                Ok(Box::new(RsaKey(pkcs1v15::VerifyingKey::new(key))))
            }
            PublicKey::P256(point) => CurveKey::boxed(Algorithm::ES256, DecodingKey::from_ec_der(point)),
            PublicKey::P384(point) => CurveKey::boxed(Algorithm::ES384, DecodingKey::from_ec_der(point)),
            PublicKey::Ed25519(key) => {
                let key =
                    DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(key)).map_err(|_| InvalidKey)?;
                CurveKey::boxed(Algorithm::EdDSA, key)
            }
        }
    }
}

struct RsaKey(pkcs1v15::VerifyingKey<Sha256>);

impl VerifyingKey for RsaKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        pkcs1v15::Signature::try_from(signature)
            .is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }
}

struct CurveKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl CurveKey {
    fn boxed(algorithm: Algorithm, key: DecodingKey) -> Result<Box<dyn VerifyingKey>, InvalidKey> {
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &key).map_err(|_| InvalidKey)?;
        Ok(Box::new(Self { algorithm, key }))
    }
}

impl VerifyingKey for CurveKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm, &self.key)
            .is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
    }
}
