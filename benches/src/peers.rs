//! The verification of the same token by others, with the same signature library below.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, dangerous};
use oidc_core::testing::FakeIssuer;
use serde::Deserialize;
use tokio::sync::RwLock;

use crate::scene::{AUDIENCE, ISSUER};

/// The claims that a registry reads of GitHub's, as a peer declares them.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "deserialized, as a peer does it")]
pub struct GitHubClaims {
    aud: String,
    iss: String,
    sub: String,
    exp: u64,
    iat: u64,
    jti: String,
    repository: String,
    repository_id: String,
    repository_owner: String,
    repository_owner_id: String,
    workflow_ref: String,
    environment: Option<String>,
    event_name: String,
    sha: String,
    run_id: String,
    runner_environment: String,
}

#[derive(Debug, Deserialize)]
struct IssuerClaim {
    iss: String,
}

/// jsonwebtoken as its documentation shows it, with the key at hand.
#[derive(Debug)]
pub struct JsonWebToken {
    key: DecodingKey,
    validation: Validation,
}

impl JsonWebToken {
    /// With the issuer's first published key.
    pub fn new(issuer: &FakeIssuer) -> Self {
        let (_, key) = keys(issuer).into_iter().next().expect("a published key");
        Self { key, validation: validation() }
    }

    /// Returns `true` if the token is valid and its claims are the publisher's.
    pub fn verify_and_match(&self, token: &str) -> bool {
        let decoded = jsonwebtoken::decode::<GitHubClaims>(token, &self.key, &self.validation);
        decoded.is_ok_and(|token| matches(&token.claims))
    }
}

/// The flow of crates.io: decode for the issuer, look the key up, clone it, decode again.
#[derive(Debug)]
pub struct CratesIo {
    stores: HashMap<String, Arc<RwLock<HashMap<String, DecodingKey>>>>,
}

impl CratesIo {
    /// With the issuer's keys at hand.
    pub fn new(issuer: &FakeIssuer) -> Self {
        let keys = keys(issuer).into_iter().collect();
        Self { stores: HashMap::from([(ISSUER.to_owned(), Arc::new(RwLock::new(keys)))]) }
    }

    /// Returns `true` if the token is valid and its claims are the publisher's.
    pub async fn verify_and_match(&self, token: &str) -> bool {
        let Ok(unverified) = dangerous::insecure_decode::<IssuerClaim>(token) else { return false };
        let Some(store) = self.stores.get(&unverified.claims.iss) else { return false };
        let Some(kid) = unverified.header.kid else { return false };
        let Some(key) = store.read().await.get(&kid).cloned() else { return false };
        let decoded = jsonwebtoken::decode::<GitHubClaims>(token, &key, &validation());
        decoded.is_ok_and(|token| matches(&token.claims))
    }
}

/// Chooses jsonwebtoken's signature library by name, for the whole process.
pub fn use_aws_lc() {
    // An error means that it was chosen before.
    let _chosen = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

fn keys(issuer: &FakeIssuer) -> Vec<(String, DecodingKey)> {
    let set: JwkSet = serde_json::from_value(issuer.jwks()).expect("a JWK set");
    let named = |jwk: &jsonwebtoken::jwk::Jwk| {
        (jwk.common.key_id.clone().expect("a kid"), DecodingKey::from_jwk(jwk).expect("a key"))
    };
    set.keys.iter().map(named).collect()
}

fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.leeway = 30;
    validation
}

fn matches(claims: &GitHubClaims) -> bool {
    claims.repository == "acme/widget"
        && claims.repository_owner_id == "1"
        && claims.workflow_ref.starts_with("acme/widget/.github/workflows/publish.yml@")
        && claims.environment.as_deref() == Some("publish")
}
