use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1v15::SigningKey;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{BigUint, RsaPrivateKey};
use serde_json::{Value, json};

pub(crate) const KEY_ID: &str = "rfc-7515-a.2";

/// The primes of the key in RFC 7515, appendix A.2, whose exponent is 65537. The world knows them: what they sign proves
/// nothing but that the mathematics is right.
const PRIMES: [&str; 2] = [
    "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
    "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
];

/// An issuer with one key, in pure Rust: oidc-core's own fake signs with aws-lc.
#[derive(Debug)]
pub(crate) struct Issuer(RsaPrivateKey);

impl Issuer {
    pub(crate) fn new() -> Self {
        let [p, q] = PRIMES.map(|prime| URL_SAFE_NO_PAD.decode(prime).expect("a prime is base64url"));
        let [p, q] = [p, q].map(|prime| BigUint::from_bytes_be(&prime));
        Self(RsaPrivateKey::from_p_q(p, q, BigUint::from(65537_u32)).expect("the RFC's key is one"))
    }

    /// Returns its JWKS.
    pub(crate) fn jwks(&self) -> Value {
        let [n, e] = [self.0.n(), self.0.e()].map(|number| URL_SAFE_NO_PAD.encode(number.to_bytes_be()));
        json!({ "keys": [{ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY_ID, "n": n, "e": e }] })
    }

    pub(crate) fn sign(&self, kid: &str, claims: &Value) -> String {
        let header = json!({ "alg": "RS256", "kid": kid, "typ": "JWT" });
        let [header, payload] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{payload}");
        let signature = SigningKey::<Sha256>::new(self.0.clone()).sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
