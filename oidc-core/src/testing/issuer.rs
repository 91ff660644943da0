//! An `OpenID` provider in memory: its keys, its documents and its signatures, without a server.
//!
//! [`FakeIssuer`] makes real signatures and publishes a real JWKS, so its tokens pass a verifier that is
//! configured to trust its URL, and no other verifier. For tests of refusals it also signs tokens that no
//! honest issuer would sign.

mod key_pair;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use self::key_pair::KeyPair;
pub use self::key_pair::SigningAlgorithm;

/// An `OpenID` provider in memory.
///
/// Keys are generated once per process for each URL, algorithm and generation. Issuers with the same URL
/// share them, which keeps tests quick. Issuers with different URLs never share keys, so that one can't sign
/// for another.
///
/// ```
/// use oidc_core::testing::FakeIssuer;
/// use oidc_core::{Audience, IdToken};
///
/// let issuer = FakeIssuer::new("https://ci.example");
/// let token = issuer.sign(&serde_json::json!({ "iss": issuer.url(), "aud": "npm:registry.example" }));
/// let token = IdToken::new(token, Audience::new("npm:registry.example")?)?;
/// assert_eq!(token.audience().as_str(), "npm:registry.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// Making an issuer and signing panic where the machine lacks randomness or memory.
pub struct FakeIssuer {
    url: String,
    jwks_path: String,
    algorithms: Vec<SigningAlgorithm>,
    keys: Mutex<Keys>,
}

impl FakeIssuer {
    /// An issuer that signs with RS256, as CI platforms do.
    pub fn new(url: impl Into<String>) -> Self {
        Self::with_algorithms(url, &[SigningAlgorithm::Rs256])
    }

    /// An issuer with one key for each algorithm; [`sign`](Self::sign) uses the key of the first. An empty
    /// list means RS256.
    pub fn with_algorithms(url: impl Into<String>, algorithms: &[SigningAlgorithm]) -> Self {
        let url = url.into();
        let algorithms =
            if algorithms.is_empty() { vec![SigningAlgorithm::Rs256] } else { algorithms.to_vec() };
        let keys = Keys { generation: 0, current: shared_keys(&url, &algorithms, 0), old: Vec::new() };
        Self { url, jwks_path: "/.well-known/jwks".to_owned(), algorithms, keys: Mutex::new(keys) }
    }

    /// Replaces the path of the JWKS, such as by GitLab's `/oauth/discovery/keys`.
    #[must_use]
    pub fn with_jwks_path(mut self, path: impl Into<String>) -> Self {
        self.jwks_path = path.into();
        self
    }

    /// Returns the issuer's URL as given, which a token's `iss` must equal.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the URL of the JWKS: the issuer's URL and `/.well-known/jwks`, unless another path was chosen.
    pub fn jwks_uri(&self) -> String {
        format!("{}{}", self.url.trim_end_matches('/'), self.jwks_path)
    }

    /// Returns the URL of the discovery document (`OpenID` Connect Discovery 1.0, section 4).
    pub fn discovery_uri(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.url.trim_end_matches('/'))
    }

    /// Returns the discovery document (`OpenID` Connect Discovery 1.0, section 3).
    pub fn discovery(&self) -> Value {
        let algorithms: Vec<&str> = self.algorithms.iter().map(|algorithm| algorithm.name()).collect();
        json!({
            "issuer": self.url,
            "jwks_uri": self.jwks_uri(),
            "subject_types_supported": ["public"],
            "response_types_supported": ["id_token"],
            "claims_supported": ["sub", "aud", "exp", "iat", "iss", "jti", "nbf"],
            "id_token_signing_alg_values_supported": algorithms,
            "scopes_supported": ["openid"],
        })
    }

    /// Returns the published keys as a JWKS (RFC 7517, section 5): the current ones, then those that
    /// [`rotate`](Self::rotate) replaced.
    pub fn jwks(&self) -> Value {
        let keys = self.keys();
        let published: Vec<Value> =
            keys.current.iter().chain(&keys.old).map(|key| key.public_jwk()).collect();
        json!({ "keys": published })
    }

    /// Returns the `kid` of the key that [`sign`](Self::sign) uses now.
    pub fn kid(&self) -> String {
        self.current().kid.clone()
    }

    /// Signs the claims with the current key as a compact JWS, with the header members of GitHub's tokens:
    /// `alg`, `kid`, `typ`.
    pub fn sign(&self, claims: &Value) -> String {
        let key = self.current();
        key.sign(&key.header(&key.kid), claims)
    }

    /// Like [`sign`](Self::sign), with the current key of one algorithm, or with the first key where the
    /// issuer has none for it.
    pub fn sign_with(&self, algorithm: SigningAlgorithm, claims: &Value) -> String {
        let key = self.keys().current.iter().find(|key| key.algorithm == algorithm).map(Arc::clone);
        let key = key.unwrap_or_else(|| self.current());
        key.sign(&key.header(&key.kid), claims)
    }

    /// Like [`sign`](Self::sign), with a header that the caller chooses. The key and its algorithm are the
    /// issuer's, whatever the header says.
    pub fn sign_as(&self, header: &Value, claims: &Value) -> String {
        self.current().sign(header, claims)
    }

    /// Like [`sign_as`](Self::sign_as), for a header and a payload that need not be JSON, such as duplicate
    /// members or broken text.
    pub fn sign_bytes(&self, header: &[u8], payload: &[u8]) -> String {
        self.current().sign_bytes(header, payload)
    }

    /// Signs with a key that the JWKS lacks, with that key's own `kid` in the header.
    pub fn sign_unpublished(&self, claims: &Value) -> String {
        let key = self.unpublished();
        key.sign(&key.header(&key.kid), claims)
    }

    /// Signs with a key that the JWKS lacks, with the published key's `kid` in the header.
    pub fn sign_impostor(&self, claims: &Value) -> String {
        let key = self.unpublished();
        key.sign(&key.header(&self.kid()), claims)
    }

    /// Replaces the current keys by new ones. The old keys stay published, and sign no more.
    pub fn rotate(&self) {
        let mut keys = self.keys();
        keys.generation += 1;
        let next = shared_keys(&self.url, &self.algorithms, keys.generation);
        let previous = std::mem::replace(&mut keys.current, next);
        keys.old.extend(previous);
    }

    /// Removes the old keys from the JWKS.
    pub fn withdraw_old(&self) {
        self.keys().old.clear();
    }

    /// Returns a random UUID, such as platforms put into `jti`.
    pub fn unique_id() -> String {
        let mut bytes = [0; 16];
        must(rand::fill(&mut bytes), "drawing random bytes");
        let id = u128::from_be_bytes(bytes) & !(0xf << 76 | 0x3 << 62) | (0x4 << 76 | 0x2 << 62);
        let hex = format!("{id:032x}");
        let group = |range| hex.get(range).unwrap_or_default();
        format!("{}-{}-{}-{}-{}", group(0..8), group(8..12), group(12..16), group(16..20), group(20..32))
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Arc<SigningKey> {
        match self.keys().current.first() {
            Some(key) => Arc::clone(key),
            None => self.unpublished(),
        }
    }

    fn unpublished(&self) -> Arc<SigningKey> {
        let algorithm = self.algorithms.first().copied().unwrap_or(SigningAlgorithm::Rs256);
        shared_key(&self.url, algorithm, UNPUBLISHED)
    }
}

impl fmt::Debug for FakeIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeIssuer").field("url", &self.url).finish_non_exhaustive()
    }
}

struct Keys {
    generation: u32,
    current: Vec<Arc<SigningKey>>,
    old: Vec<Arc<SigningKey>>,
}

/// The generation of the keys that no JWKS contains.
const UNPUBLISHED: u32 = u32::MAX;

type SharedKeys = BTreeMap<(String, SigningAlgorithm, u32), Arc<SigningKey>>;

fn shared_keys(url: &str, algorithms: &[SigningAlgorithm], generation: u32) -> Vec<Arc<SigningKey>> {
    algorithms.iter().map(|&algorithm| shared_key(url, algorithm, generation)).collect()
}

fn shared_key(url: &str, algorithm: SigningAlgorithm, generation: u32) -> Arc<SigningKey> {
    static SHARED: Mutex<SharedKeys> = Mutex::new(BTreeMap::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let key = shared.entry((url.to_owned(), algorithm, generation)).or_insert_with(|| {
        Arc::new(SigningKey {
            kid: FakeIssuer::unique_id(),
            algorithm,
            pair: must(KeyPair::generate(algorithm), "generating a key"),
        })
    });
    Arc::clone(key)
}

struct SigningKey {
    kid: String,
    algorithm: SigningAlgorithm,
    pair: KeyPair,
}

impl SigningKey {
    fn header(&self, kid: &str) -> Value {
        json!({ "alg": self.algorithm.name(), "kid": kid, "typ": "JWT" })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_bytes(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    fn sign_bytes(&self, header: &[u8], payload: &[u8]) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = must(self.pair.sign(message.as_bytes()), "signing");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn public_jwk(&self) -> Value {
        let mut jwk = self.pair.public_parameters();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), json!(self.kid));
            members.insert("alg".to_owned(), json!(self.algorithm.name()));
            members.insert("use".to_owned(), json!("sig"));
        }
        jwk
    }
}

#[expect(
    clippy::panic,
    reason = "a machine without randomness can run no test, and saying so here keeps tests readable"
)]
fn must<T>(outcome: Result<T, Unspecified>, doing: &str) -> T {
    outcome.unwrap_or_else(|_| panic!("{doing} failed"))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{Algorithm, DecodingKey};

    use super::*;

    const URL: &str = "https://issuer.example";

    fn parts(token: &str) -> (String, Value, Value, Vec<u8>) {
        let mut parts = token.rsplitn(2, '.');
        let signature = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        let message = parts.next().unwrap();
        let (header, payload) = message.split_once('.').unwrap();
        let json = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        (message.to_owned(), json(header), json(payload), signature)
    }

    fn verifies(issuer: &FakeIssuer, token: &str, kid: &str, algorithm: Algorithm) -> bool {
        let jwks: JwkSet = serde_json::from_value(issuer.jwks()).unwrap();
        let Some(jwk) = jwks.find(kid) else { return false };
        let key = DecodingKey::from_jwk(jwk).unwrap();
        let (message, _, _, signature) = parts(token);
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &key).unwrap();
        verifier.verify(message.as_bytes(), &signature).is_ok()
    }

    #[test]
    fn a_token_of_each_algorithm_verifies_with_the_published_key() {
        for (ours, theirs) in [
            (SigningAlgorithm::Rs256, Algorithm::RS256),
            (SigningAlgorithm::Es256, Algorithm::ES256),
            (SigningAlgorithm::Es384, Algorithm::ES384),
            (SigningAlgorithm::EdDsa, Algorithm::EdDSA),
        ] {
            let issuer = FakeIssuer::with_algorithms(URL, &[ours]);
            let token = issuer.sign(&json!({ "sub": "x" }));
            let (_, header, claims, _) = parts(&token);
            assert_eq!(header, json!({ "alg": ours.name(), "kid": issuer.kid(), "typ": "JWT" }));
            assert_eq!(claims, json!({ "sub": "x" }));
            assert!(verifies(&issuer, &token, &issuer.kid(), theirs), "{ours:?}");
        }
    }

    #[test]
    fn an_issuer_with_several_algorithms_signs_with_the_one_that_is_asked_for() {
        let issuer = FakeIssuer::with_algorithms(URL, &[SigningAlgorithm::Es256, SigningAlgorithm::EdDsa]);
        let (_, header, ..) = parts(&issuer.sign_with(SigningAlgorithm::EdDsa, &json!({})));
        assert_eq!(header["alg"], "EdDSA");
        assert_eq!(parts(&issuer.sign(&json!({}))).1["alg"], "ES256");
        assert_eq!(issuer.jwks()["keys"].as_array().unwrap().len(), 2);
        assert_eq!(issuer.discovery()["id_token_signing_alg_values_supported"], json!(["ES256", "EdDSA"]));
    }

    #[test]
    fn discovery_names_the_issuer_and_where_its_keys_are() {
        let issuer = FakeIssuer::with_algorithms(URL, &[SigningAlgorithm::EdDsa]);
        assert_eq!(issuer.discovery()["issuer"], URL);
        assert_eq!(issuer.discovery()["jwks_uri"], format!("{URL}/.well-known/jwks"));
        let issuer = issuer.with_jwks_path("/oauth/discovery/keys");
        assert_eq!(issuer.discovery()["jwks_uri"], format!("{URL}/oauth/discovery/keys"));
    }

    #[test]
    fn issuers_of_one_url_share_keys_and_others_do_not() {
        let new = |url| FakeIssuer::with_algorithms(url, &[SigningAlgorithm::Es256]);
        assert_eq!(new(URL).jwks(), new(URL).jwks());
        assert_ne!(new(URL).jwks(), new("https://other.example").jwks());
    }

    #[test]
    fn unpublished_keys_verify_with_nothing_that_is_published() {
        let issuer = FakeIssuer::new(URL);
        let unknown = issuer.sign_unpublished(&json!({}));
        assert_ne!(parts(&unknown).1["kid"], issuer.kid());
        let impostor = issuer.sign_impostor(&json!({}));
        assert_eq!(parts(&impostor).1["kid"], issuer.kid());
        assert!(!verifies(&issuer, &impostor, &issuer.kid(), Algorithm::RS256));
        assert!(!verifies(&issuer, &unknown, &issuer.kid(), Algorithm::RS256));
    }

    #[test]
    fn rotation_publishes_the_new_key_beside_the_old_until_it_is_withdrawn() {
        let issuer = FakeIssuer::with_algorithms(URL, &[SigningAlgorithm::EdDsa]);
        let (token, old) = (issuer.sign(&json!({})), issuer.kid());
        issuer.rotate();
        assert_ne!(issuer.kid(), old);
        assert!(verifies(&issuer, &token, &old, Algorithm::EdDSA));
        let next = issuer.sign(&json!({}));
        assert!(verifies(&issuer, &next, &issuer.kid(), Algorithm::EdDSA));
        issuer.withdraw_old();
        assert!(!verifies(&issuer, &token, &old, Algorithm::EdDSA));
        assert!(verifies(&issuer, &next, &issuer.kid(), Algorithm::EdDSA));
    }

    #[test]
    fn a_header_of_the_callers_choice_is_signed_as_it_stands() {
        let issuer = FakeIssuer::new(URL);
        let hostile = json!({ "alg": "none", "crit": ["x"] });
        let token = issuer.sign_as(&hostile, &json!({}));
        assert_eq!(parts(&token).1, hostile);
        assert!(verifies(&issuer, &token, &issuer.kid(), Algorithm::RS256));
        let twice = issuer.sign_bytes(br#"{"alg":"RS256","alg":"none"}"#, b"{}");
        assert!(verifies(&issuer, &twice, &issuer.kid(), Algorithm::RS256));
    }

    #[test]
    fn debug_shows_no_key_and_ids_are_unique_uuids() {
        let issuer = FakeIssuer::with_algorithms(URL, &[SigningAlgorithm::Es256]);
        assert_eq!(format!("{issuer:?}"), format!("FakeIssuer {{ url: \"{URL}\", .. }}"));
        let id = FakeIssuer::unique_id();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]));
        assert_ne!(id, FakeIssuer::unique_id());
    }
}
