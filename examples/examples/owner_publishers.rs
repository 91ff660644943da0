//! Publishers for every repository of an owner on GitHub: `owner = "acme"` in place of `repository`.
//!
//! Whoever can push to any repository of the owner can then publish, and the account that saved the publisher is known
//! by the tokens of all of them. Who may save one is the registry's decision. Here it is an account that GitHub
//! calls an administrator of the owner, which the application asked GitHub with the account's own log-in; the owner's id
//! is written from that answer and never taken from the request.
//!
//! `cargo run --example owner_publishers` serves it at `http://127.0.0.1:9000/`.

use std::error::Error;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, ProviderSet};
use oidc_exchange::server::{self, Exchange, Package, StoreError, Trust};
use oidc_exchange::sql::SqlStore;
use oidc_providers::GitHub;
use serde_json::Value;

const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS package (name TEXT PRIMARY KEY, account TEXT NOT NULL)",
    // What GitHub said: this account administers this owner, in lower case, which has this id.
    "CREATE TABLE IF NOT EXISTS administrator (account TEXT NOT NULL, owner TEXT NOT NULL, owner_id TEXT NOT NULL)",
];

#[derive(Clone)]
pub(crate) struct Registry {
    pub(crate) store: SqlStore,
    exchange: Exchange,
    trust: Trust,
}

type Refusal = (StatusCode, String);

impl Registry {
    pub(crate) async fn open(database: &str, audience: &str, cx: &Context) -> Result<Self, Box<dyn Error>> {
        let store = SqlStore::open(database).await?;
        let mut transaction = store.begin().await?;
        for table in TABLES {
            sqlx::query(table).execute(transaction.connection()).await?;
        }
        transaction.commit().await?;
        // Off by default, for the exchange and for configuration alike.
        let providers = ProviderSet::default().with(GitHub::public().allowing_owners());
        let verifier = Verifier::new(AwsLc, [Audience::new(audience)?], &providers, cx)?;
        let exchange = Exchange::builder(verifier, store.clone()).build();
        Ok(Self { trust: Trust::new(providers, store.clone(), cx), store, exchange })
    }

    pub(crate) fn app(self) -> Router {
        Router::new()
            .nest_service("/-/npm/v1/oidc", server::npm(self.exchange.clone()))
            .route("/packages/{name}/publishers", post(configure))
            .with_state(self)
    }

    /// Adds a publisher of an account's own package.
    async fn add(&self, account: &str, name: &str, mut rules: Value) -> Result<String, Refusal> {
        if self.account_of(name).await.map_err(broken)?.as_deref() != Some(account) {
            return Err((StatusCode::FORBIDDEN, "the package is not yours".to_owned()));
        }
        if let Some(owner) = rules.get("owner").cloned() {
            let owner = owner.as_str().unwrap_or_default().to_ascii_lowercase();
            let Some(id) = self.owner_id(account, &owner).await.map_err(broken)? else {
                let message =
                    "GitHub does not call you an administrator of this owner; name one repository instead";
                return Err((StatusCode::FORBIDDEN, message.to_owned()));
            };
            if let Some(rules) = rules.as_object_mut() {
                rules.insert("repository_owner_id".to_owned(), id.into());
            }
        }
        let invalid = |error: &dyn Error| (StatusCode::BAD_REQUEST, error.to_string());
        let prepared = self.trust.prepare(Package::new("npm", name), "github", None, rules);
        let mut publisher = prepared.map_err(|error| invalid(&error))?;
        publisher.account = Some(account.to_owned());
        Ok(self.trust.add(&publisher).await.map_err(|error| invalid(&error))?.id)
    }

    async fn account_of(&self, name: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT account FROM package WHERE name = $1").bind(name);
        Ok(query.fetch_optional(self.store.pool()).await?)
    }

    async fn owner_id(&self, account: &str, owner: &str) -> Result<Option<String>, StoreError> {
        let query = "SELECT owner_id FROM administrator WHERE account = $1 AND owner = $2";
        Ok(sqlx::query_scalar(query).bind(account).bind(owner).fetch_optional(self.store.pool()).await?)
    }
}

fn broken(_error: StoreError) -> Refusal {
    (StatusCode::INTERNAL_SERVER_ERROR, "the registry failed".to_owned())
}

async fn configure(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(rules): Json<Value>,
) -> Refusal {
    let Some(account) = headers.get("x-account").and_then(|value| value.to_str().ok()) else {
        return (StatusCode::UNAUTHORIZED, "log in".to_owned());
    };
    match registry.add(account, &name, rules).await {
        Ok(id) => (StatusCode::CREATED, id),
        Err(refusal) => refusal,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::open("sqlite:owners.db", "npm:127.0.0.1", &Context::system()?).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    Ok(axum::serve(listener, registry.app()).await?)
}
