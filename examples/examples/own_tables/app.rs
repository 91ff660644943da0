//! A registry on axum with its own tables in the library's database: one transaction stores a version and its package.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, ProviderSet};
use oidc_exchange::server::{self, Exchange, Package, Trust, TrustError, TrustStore as _};
use oidc_exchange::sql::SqlStore;
use serde_json::Value;

/// The registry's own tables, beside the library's, whose names begin with `oidc_`.
const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS package (name TEXT PRIMARY KEY, owner TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS version (package TEXT NOT NULL REFERENCES package (name), version TEXT NOT NULL,
         file BLOB NOT NULL, run TEXT, PRIMARY KEY (package, version))",
];
const NEW_PACKAGE: &str = "INSERT INTO package (name, owner) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const NEW_VERSION: &str =
    "INSERT INTO version (package, version, file, run) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

#[derive(Clone)]
struct Registry {
    store: SqlStore,
    exchange: Exchange,
    trust: Trust,
}

pub(crate) async fn app(
    store: SqlStore,
    audience: Audience,
    providers: ProviderSet,
    cx: &Context,
) -> Result<Router, Box<dyn std::error::Error>> {
    let mut tx = store.begin().await?;
    for table in TABLES {
        sqlx::query(table).execute(tx.connection()).await?;
    }
    tx.commit().await?;
    let verifier = Verifier::new(AwsLc, [audience], &providers, cx)?;
    let trust = Trust::new(providers, store.clone(), cx);
    let exchange = Exchange::builder(verifier, store.clone()).build();
    Ok(Router::new()
        .nest_service("/-/npm/v1/oidc", server::npm(exchange.clone()))
        .route("/packages/{name}", get(versions).post(create))
        .route("/packages/{name}/{version}", post(publish))
        .with_state(Registry { store, exchange, trust }))
}

/// Creates a package with its first publisher, both or neither. A pending publisher creates it with its first publish instead.
async fn create(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    Query(options): Query<HashMap<String, String>>,
    headers: HeaderMap,
    Json(rules): Json<Value>,
) -> Result<StatusCode, Failure> {
    // The application knows its users. Here a proxy names the owner in a header.
    let owner = headers.get("x-account").and_then(|value| value.to_str().ok());
    let Some(owner) = owner else { return Ok(StatusCode::UNAUTHORIZED) };
    let mut publisher = registry.trust.prepare(Package::new("npm", &*name), "github", None, rules)?;
    publisher.account = Some(owner.to_owned());
    publisher.pending = options.contains_key("pending");
    let mut tx = registry.store.begin().await?;
    if !publisher.pending {
        let insert = sqlx::query(NEW_PACKAGE).bind(&name).bind(owner);
        if insert.execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(StatusCode::CONFLICT);
        }
        tx.package_created(&publisher.package).await?;
    }
    registry.trust.add_within(&tx, &publisher).await?;
    tx.commit().await?;
    Ok(StatusCode::CREATED)
}

/// Stores a version, and the package where a pending publisher creates it: both or neither.
async fn publish(
    State(registry): State<Registry>,
    Path((name, version)): Path<(String, String)>,
    headers: HeaderMap,
    file: Bytes,
) -> Result<StatusCode, Failure> {
    let Some(record) = registry.exchange.find_in(&headers).await? else {
        return Ok(StatusCode::UNAUTHORIZED);
    };
    let mut tx = registry.store.begin().await?;
    let authorized =
        tx.authorize(&record, &Package::new("npm", &*name), &[], registry.exchange.now()).await?;
    let Some(authorized) = authorized else { return Ok(StatusCode::FORBIDDEN) };
    if let Some(owner) = authorized.creates {
        let insert = sqlx::query(NEW_PACKAGE).bind(&name).bind(owner.name());
        if insert.execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(StatusCode::FORBIDDEN);
        }
    }
    let insert = sqlx::query(NEW_VERSION).bind(&name).bind(&version).bind(file.to_vec()).bind(record.run.url);
    if insert.execute(tx.connection()).await?.rows_affected() == 0 {
        return Ok(StatusCode::CONFLICT);
    }
    tx.commit().await?;
    Ok(StatusCode::CREATED)
}

/// The versions of a package, each with the run that published it.
async fn versions(
    State(registry): State<Registry>,
    Path(name): Path<String>,
) -> Result<Json<Vec<(String, Option<String>)>>, Failure> {
    let query = sqlx::query_as("SELECT version, run FROM version WHERE package = $1 ORDER BY version");
    Ok(Json(query.bind(name).fetch_all(registry.store.pool()).await?))
}

/// The answer to a request that failed. A fault of the store is for the log, and not for the caller.
struct Failure(http::Response<String>);

impl<E: Into<TrustError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into().into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}
