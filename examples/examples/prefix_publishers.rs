//! Publishers for a prefix of names: `@acme/` lets one repository publish every package of an account whose name begins so.
//!
//! Such a publisher is for the packages of its own account and creates none. The application says whose a package is: to the
//! exchange (`owners_by`), and where something is published (`Transaction::authorize`). Otherwise the publisher accepts
//! no token.
//!
//! `cargo run --example prefix_publishers` serves it at `http://127.0.0.1:9000/`.

use std::error::Error;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context};
use oidc_exchange::server::{self, Exchange, Package, PackageOwner, StoreError, Trust, TrustPolicy};
use oidc_exchange::sql::SqlStore;
use serde_json::Value;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS package (name TEXT PRIMARY KEY, owner TEXT NOT NULL, versions BIGINT NOT NULL)";

/// The owner of a package, which the application's own table knows.
async fn owners(store: SqlStore, package: Package) -> Result<Vec<PackageOwner>, StoreError> {
    let query = sqlx::query_scalar("SELECT owner FROM package WHERE name = $1").bind(package.name);
    let owner: Option<String> = query.fetch_optional(store.pool()).await?;
    Ok(owner.map(PackageOwner::Account).into_iter().collect())
}

#[derive(Clone)]
pub(crate) struct Registry {
    pub(crate) store: SqlStore,
    exchange: Exchange,
    trust: Trust,
}

impl Registry {
    pub(crate) async fn open(database: &str, audience: &str, cx: &Context) -> Result<Self, Box<dyn Error>> {
        let store = SqlStore::open(database).await?;
        let mut transaction = store.begin().await?;
        sqlx::query(TABLE).execute(transaction.connection()).await?;
        transaction.commit().await?;
        let verifier = Verifier::new(AwsLc, [Audience::new(audience)?], &oidc_providers::all(), cx)?;
        // The number of an account's publishers for prefixes; by default none are allowed.
        let policy = TrustPolicy::default().prefixes_per_account(10);
        let exchange = Exchange::builder(verifier, store.clone()).trust_policy(policy);
        let table = store.clone();
        let exchange = exchange.owners_by(move |package| owners(table.clone(), package)).build();
        let trust = Trust::new(oidc_providers::all(), store.clone(), cx).with_policy(policy);
        Ok(Self { store, exchange, trust })
    }

    pub(crate) fn app(self) -> Router {
        Router::new()
            .nest_service("/-/npm/v1/oidc", server::npm(self.exchange.clone()))
            .route("/prefixes/{prefix}", post(configure))
            .route("/packages/{name}", post(publish))
            .with_state(self)
    }
}

/// Configures a publisher for a prefix. Any account may have any prefix, since it is for the account's own packages.
async fn configure(
    State(registry): State<Registry>,
    Path(prefix): Path<String>,
    headers: HeaderMap,
    Json(rules): Json<Value>,
) -> (StatusCode, String) {
    let Some(account) = headers.get("x-account").and_then(|value| value.to_str().ok()) else {
        return (StatusCode::UNAUTHORIZED, "log in".to_owned());
    };
    let configured = async {
        let prefix = Package::prefix("npm", &prefix)?;
        let publisher = registry.trust.prepare(prefix, "github", None, rules)?.of_account(account);
        Ok::<_, Box<dyn Error + Send + Sync>>(registry.trust.add(&publisher).await?.id)
    };
    match configured.await {
        Ok(id) => (StatusCode::CREATED, id),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
    }
}

/// Publishes a version by a publish token.
async fn publish(
    State(Registry { store, exchange, .. }): State<Registry>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, StatusCode> {
    let failed = |_: StoreError| StatusCode::INTERNAL_SERVER_ERROR;
    let record = exchange.find_in(&headers).await.map_err(failed)?.ok_or(StatusCode::UNAUTHORIZED)?;
    let mut tx = store.begin().await.map_err(failed)?;
    // It locks the row, so that the package is not transferred before the publish is stored.
    let publish = "UPDATE package SET versions = versions + 1 WHERE name = $1 RETURNING owner";
    let owner = sqlx::query_scalar(publish).bind(&name).fetch_optional(tx.connection()).await;
    let owner: Option<String> = owner.map_err(|error| failed(error.into()))?;
    let owner = [PackageOwner::Account(owner.ok_or(StatusCode::FORBIDDEN)?)];
    let authorized = tx.authorize(&record, &Package::new("npm", name), &owner, exchange.now()).await;
    authorized.map_err(failed)?.ok_or(StatusCode::FORBIDDEN)?;
    tx.commit().await.map_err(failed)?;
    Ok(StatusCode::CREATED)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::open("sqlite:widgets.db", "npm:127.0.0.1", &Context::system()?).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    Ok(axum::serve(listener, registry.app()).await?)
}
