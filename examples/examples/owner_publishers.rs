//! Publishers for every repository of an owner on GitHub: `owner = "acme"` in place of `repository`.
//!
//! Whoever can push to any repository of the owner can then publish, and the account that saved the publisher is known
//! by the tokens of all of them. Who may save one is the registry's decision. Here it is an account that GitHub
//! calls an administrator of the owner, which the application asked GitHub with the account's own log-in; the owner's id
//! is written from that answer and never taken from the request.
//!
//! `cargo run --example owner_publishers` serves it at `http://127.0.0.1:9000/`, with the package `widget` of the account `alice`.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, ProviderSet};
use oidc_exchange::server::{self, Exchange, Package, Trust, TrustError};
use oidc_exchange::sql::SqlStore;
use oidc_providers::GitHub;
use serde_json::Value;

/// What the application knows of its accounts, which its database would have.
#[derive(Default)]
pub(crate) struct Accounts {
    /// The account of each package.
    pub(crate) packages: HashMap<String, String>,
    /// What GitHub said: the account administers the owner, in lower case, which has this id.
    pub(crate) administrators: HashMap<(String, String), String>,
}

type Settings = (Arc<Accounts>, Trust);
type Answer = (StatusCode, String);

pub(crate) fn app(
    accounts: Accounts,
    store: SqlStore,
    audience: &str,
    cx: &Context,
) -> Result<Router, Box<dyn Error>> {
    // Off by default, for the exchange and for configuration alike.
    let providers = ProviderSet::default().with(GitHub::public().allowing_owners());
    let verifier = Verifier::new(AwsLc, [Audience::new(audience)?], &providers, cx)?;
    let trust = Trust::new(providers, store.clone(), cx);
    Ok(Router::new()
        .nest_service("/-/npm/v1/oidc", server::npm(Exchange::builder(verifier, store).build()))
        .route("/packages/{name}/publishers", post(configure))
        .with_state((Arc::new(accounts), trust)))
}

/// Adds a publisher of an account's own package.
async fn configure(
    State((accounts, trust)): State<Settings>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(mut rules): Json<Value>,
) -> Result<Answer, Answer> {
    let refused = |why: &str| (StatusCode::FORBIDDEN, why.to_owned());
    // Who the account is, is the application's own business: here it stands in a header that a proxy sets.
    let account = headers.get("x-account").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accounts.packages.get(&name).is_none_or(|owner| owner != account) {
        return Err(refused("the package is not yours"));
    }
    if let (Some(owner), Some(rules)) = (rules.get("owner").cloned(), rules.as_object_mut()) {
        let owner = owner.as_str().unwrap_or_default().to_ascii_lowercase();
        let id = accounts.administrators.get(&(account.to_owned(), owner));
        let why = "GitHub does not call you an administrator of this owner; name one repository instead";
        rules.insert("repository_owner_id".to_owned(), id.ok_or_else(|| refused(why))?.as_str().into());
    }
    let invalid = |error: TrustError| (StatusCode::BAD_REQUEST, error.to_string());
    let mut publisher = trust.prepare(Package::new("npm", name), "github", None, rules).map_err(invalid)?;
    publisher.account = Some(account.to_owned());
    Ok((StatusCode::CREATED, trust.add(&publisher).await.map_err(invalid)?.id))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut accounts = Accounts::default();
    accounts.packages.insert("widget".to_owned(), "alice".to_owned());
    accounts.administrators.insert(("alice".to_owned(), "acme".to_owned()), "1".to_owned());
    let store = SqlStore::open("sqlite:owners.db").await?;
    let app = app(accounts, store, "npm:127.0.0.1", &Context::system()?)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    Ok(axum::serve(listener, app).await?)
}
