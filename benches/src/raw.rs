//! The signature's mathematics alone: what nobody can be faster than with the same library.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc_core::testing::FakeIssuer;

/// aws-lc-rs with a parsed key, over the bytes of one token.
#[derive(Debug)]
pub struct RawSignature {
    key: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl RawSignature {
    /// The signature of a token that the issuer's first published key made.
    pub fn of(issuer: &FakeIssuer, token: &str) -> Self {
        let jwks = issuer.jwks();
        let jwk = jwks.pointer("/keys/0").expect("a published key");
        let number = |name| {
            let text = jwk.get(name).and_then(serde_json::Value::as_str).expect("a number of the key");
            URL_SAFE_NO_PAD.decode(text).expect("base64url")
        };
        let key = match jwk.get("kty").and_then(serde_json::Value::as_str) {
            Some("RSA") => RsaPublicKeyComponents { n: number("n"), e: number("e") }
                .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256),
            _ => {
                let point = [vec![4], number("x"), number("y")].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            }
        };
        let (message, signature) = token.rsplit_once('.').expect("a token");
        Self {
            key: key.expect("a key"),
            message: message.as_bytes().to_vec(),
            signature: URL_SAFE_NO_PAD.decode(signature).expect("base64url"),
        }
    }

    /// Returns `true` if the signature holds.
    pub fn verify(&self) -> bool {
        self.key.verify_sig(&self.message, &self.signature).is_ok()
    }
}
