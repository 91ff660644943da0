//! Publish tokens in a format of the registry's own: signed where they are issued, and verified without a database where
//! packages are uploaded. A signed token can't be revoked, so these are valid for five minutes; see `NewToken::SelfContained`.
//!
//! `cargo run --example signed_tokens -- sqlite:signed.db npm:registry.example` issues them at `127.0.0.1:8080/-/npm/v1/oidc`,
//! shows at `/whoami` what a token is valid for, and prints the public key. A third argument is the public key of the run
//! before, whose tokens are still accepted.

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, Random, Secret};
use oidc_exchange::server::{self, Exchange, Grant, MintError, Minter, NewToken, Recognised, TokenRecord};
use oidc_exchange::sql::SqlStore;

/// The beginning of every token. It is signed too, so that the key's signatures are valid for nothing else.
const PREFIX: &str = "acme-publish.";

/// The tokens `acme-publish.<record in JSON>.<Ed25519 signature>`, both parts in base64url.
#[derive(Debug)]
pub(crate) struct SignedTokens {
    key: Ed25519KeyPair,
    /// The public keys of accepted tokens: this key's, and the previous one until its last token has expired.
    accepted: Vec<Vec<u8>>,
}

impl SignedTokens {
    /// Reads a private key in PKCS#8, which a registry keeps with its secrets.
    pub(crate) fn new(pkcs8: &[u8], previous: Option<Vec<u8>>) -> Result<Self, Box<dyn Error>> {
        let key = Ed25519KeyPair::from_pkcs8(pkcs8)?;
        let accepted = [key.public_key().as_ref().to_vec()].into_iter().chain(previous).collect();
        Ok(Self { key, accepted })
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }
}

#[async_trait::async_trait]
impl Minter for SignedTokens {
    fn lifetime(&self) -> Duration {
        Duration::from_secs(300)
    }

    async fn mint(&self, grant: &Grant, _: &dyn Random) -> Result<NewToken, MintError> {
        let record = serde_json::to_vec(&grant.record()).map_err(MintError::new)?;
        let signed = format!("{PREFIX}{}", BASE64.encode(record));
        let signature = BASE64.encode(self.key.sign(signed.as_bytes()));
        Ok(NewToken::SelfContained(Secret::new(format!("{signed}.{signature}"))))
    }

    fn recognise(&self, text: &str) -> Option<Recognised> {
        verified(&self.accepted, text).map(Recognised::SelfContained)
    }
}

/// Returns the record of a token that one of these keys signed. Its expiry is not checked; `Exchange::find` does that.
pub(crate) fn verified(keys: &[Vec<u8>], text: &str) -> Option<TokenRecord> {
    let (signed, signature) = text.rsplit_once('.')?;
    let signature = BASE64.decode(signature).ok()?;
    let is_of =
        |key: &Vec<u8>| UnparsedPublicKey::new(&ED25519, key).verify(signed.as_bytes(), &signature).is_ok();
    let record = signed.strip_prefix(PREFIX).filter(|_| keys.iter().any(is_of))?;
    serde_json::from_slice(&BASE64.decode(record).ok()?).ok()
}

/// An upload endpoint would ask `record.for_package(..)`.
async fn whoami(State(exchange): State<Exchange>, head: HeaderMap) -> Result<Json<TokenRecord>, StatusCode> {
    let found = exchange.find_in(&head).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    found.map(Json).ok_or(StatusCode::UNAUTHORIZED)
}

pub(crate) fn app(exchange: Exchange) -> Router {
    let whoami = axum::routing::get(whoami).with_state(exchange.clone());
    Router::new().route("/whoami", whoami).nest_service("/-/npm/v1/oidc", server::npm(exchange))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let database = arguments.next().ok_or("which database?")?;
    let audience = Audience::new(arguments.next().ok_or("which audience?")?)?;
    let previous = arguments.next().map(|key| BASE64.decode(key)).transpose()?;
    let tokens = SignedTokens::new(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())?.as_ref(), previous)?;
    writeln!(std::io::stdout(), "public key: {}", BASE64.encode(tokens.public_key()))?;
    let verifier = Verifier::new(AwsLc, [audience], &oidc_providers::all(), &Context::system()?)?;
    let exchange = Exchange::builder(verifier, SqlStore::open(&database).await?).minter(tokens).build();
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, app(exchange)).await?)
}
