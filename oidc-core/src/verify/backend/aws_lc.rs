use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};

use super::{Backend, InvalidKey, PublicKey, VerifyingKey};

/// Signature verification with aws-lc-rs, which parses each key once.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "an application writes its name")]
pub struct AwsLc;

impl Backend for AwsLc {
    fn key(&self, key: &PublicKey) -> Result<Box<dyn VerifyingKey>, InvalidKey> {
        let parsed = match key {
            PublicKey::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
            PublicKey::P256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point),
            PublicKey::P384(point) => ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point),
            PublicKey::Ed25519(key) => ParsedPublicKey::new(&ED25519, key),
        };
        Ok(Box::new(AwsLcKey(parsed.map_err(|_| InvalidKey)?)))
    }
}

struct AwsLcKey(ParsedPublicKey);

impl VerifyingKey for AwsLcKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}
