//! A registry on axum whose tables are in the library's database. One transaction stores a version, creates the package where it
//! is the first one, and asks last whether publisher and token still hold.
//!
//! `cargo run --example own_tables` serves it at `http://127.0.0.1:9000/`.

use std::error::Error;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use data_encoding::HEXLOWER;
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, Timestamp};
use oidc_exchange::server::{
    self, Exchange, Package, StoreError, TokenHash, TokenRecord, Trust, TrustError, TrustStore as _,
};
use oidc_exchange::sql::SqlStore;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const ECOSYSTEM: &str = "npm";

/// The registry's own tables, beside the library's, which begin with `oidc_`.
const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS package (name TEXT PRIMARY KEY, owner TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS version (package TEXT NOT NULL REFERENCES package (name), version TEXT NOT NULL,
         sha256 TEXT NOT NULL, run TEXT, PRIMARY KEY (package, version))",
];

const NEW_PACKAGE: &str = "INSERT INTO package (name, owner) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const NEW_VERSION: &str =
    "INSERT INTO version (package, version, sha256, run) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

#[derive(Clone)]
pub(crate) struct Registry {
    store: SqlStore,
    exchange: Exchange,
    trust: Trust,
    cx: Context,
}

impl Registry {
    pub(crate) async fn open(database: &str, audience: &str, cx: &Context) -> Result<Self, Box<dyn Error>> {
        let providers = oidc_providers::all();
        let store = SqlStore::open(database).await?;
        let mut transaction = store.begin().await?;
        for table in TABLES {
            sqlx::query(table).execute(transaction.connection()).await?;
        }
        transaction.commit().await?;
        let verifier = Verifier::new(AwsLc, [Audience::new(audience)?], &providers, cx)?;
        let exchange = Exchange::builder(verifier, store.clone()).build();
        let trust = Trust::new(providers, store.clone(), cx);
        Ok(Self { store, exchange, trust, cx: cx.clone() })
    }

    pub(crate) fn app(self) -> Router {
        Router::new()
            .nest_service("/-/npm/v1/oidc", server::npm(self.exchange.clone()))
            .route("/packages/{name}", get(versions).post(create))
            .route("/packages/{name}/expected", post(expect))
            .route("/packages/{name}/{version}", post(publish))
            .with_state(self)
    }

    /// Creates a package with its first publisher, both or neither; `false` where there is one of that name.
    async fn create(&self, name: &str, owner: &str, rules: Value) -> Result<bool, TrustError> {
        let package = Package::new(ECOSYSTEM, name);
        let mut publisher = self.trust.prepare(package.clone(), "github", None, rules)?;
        publisher.account = Some(owner.to_owned());
        let mut transaction = self.store.begin().await?;
        let insert = sqlx::query(NEW_PACKAGE).bind(name).bind(owner).execute(transaction.connection()).await;
        if insert.map_err(StoreError::from)?.rows_affected() == 0 {
            return Ok(false);
        }
        transaction.package_created(&package).await?;
        self.trust.add_within(&transaction, &publisher).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Lets a job create a package that is not there yet, by its first publish. It reserves no name.
    async fn expect(&self, name: &str, owner: &str, rules: Value) -> Result<bool, TrustError> {
        let package = Package::new(ECOSYSTEM, name);
        let mut publisher = self.trust.prepare(package, "github", None, rules)?;
        publisher.account = Some(owner.to_owned());
        publisher.pending = true;
        self.trust.add(&publisher).await?;
        Ok(true)
    }

    /// Stores a version, and the package where a pending publisher creates it: both or neither.
    async fn publish(&self, upload: Upload<'_>) -> Result<StatusCode, StoreError> {
        let Upload { token, record, name, version, file } = upload;
        let package = Package::new(ECOSYSTEM, name);
        let Some(granted) = record.for_package(&package) else { return Ok(StatusCode::FORBIDDEN) };
        let publisher = granted.publisher.as_str();
        let mut transaction = self.store.begin().await?;
        if granted.may_create {
            // The publisher is pending: it creates the package for its account, and may do nothing to one that exists.
            let Some(owner) = transaction.package_created_by(&package, publisher).await? else {
                return Ok(StatusCode::FORBIDDEN);
            };
            let insert = sqlx::query(NEW_PACKAGE).bind(name).bind(owner.name());
            if insert.execute(transaction.connection()).await?.rows_affected() == 0 {
                return Ok(StatusCode::FORBIDDEN);
            }
        }
        if !transaction.is_active(&package, publisher).await? {
            return Ok(StatusCode::FORBIDDEN);
        }
        let insert = sqlx::query(NEW_VERSION).bind(name).bind(version);
        let insert = insert.bind(HEXLOWER.encode(&Sha256::digest(file))).bind(record.run.url.as_deref());
        if insert.execute(transaction.connection()).await?.rows_affected() == 0 {
            return Ok(StatusCode::CONFLICT);
        }
        if !transaction.is_granted(&token, &package, publisher, self.now()).await? {
            return Ok(StatusCode::FORBIDDEN);
        }
        transaction.published(&package, publisher, self.now()).await?;
        transaction.commit().await?;
        Ok(StatusCode::CREATED)
    }

    fn now(&self) -> Timestamp {
        self.cx.clock().now()
    }
}

/// A version that somebody wants to publish.
struct Upload<'a> {
    token: TokenHash,
    record: TokenRecord,
    name: &'a str,
    version: &'a str,
    file: &'a [u8],
}

type Answer<T> = Result<T, (StatusCode, String)>;

async fn create(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(rules): Json<Value>,
) -> Answer<StatusCode> {
    configured(registry.create(&name, account(&headers)?, rules).await)
}

async fn expect(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(rules): Json<Value>,
) -> Answer<StatusCode> {
    configured(registry.expect(&name, account(&headers)?, rules).await)
}

/// The owner's account is the application's own business: here it stands in a header that a proxy sets.
fn account(headers: &HeaderMap) -> Answer<&str> {
    let account = headers.get("x-account").and_then(|value| value.to_str().ok());
    account.ok_or((StatusCode::UNAUTHORIZED, "log in".to_owned()))
}

fn configured(outcome: Result<bool, TrustError>) -> Answer<StatusCode> {
    match outcome {
        Ok(true) => Ok(StatusCode::CREATED),
        Ok(false) => Ok(StatusCode::CONFLICT),
        Err(TrustError::Store(error)) => Err(failed(&error)),
        Err(error) => Err((StatusCode::BAD_REQUEST, error.to_string())),
    }
}

async fn publish(
    State(registry): State<Registry>,
    Path((name, version)): Path<(String, String)>,
    headers: HeaderMap,
    file: axum::body::Bytes,
) -> Answer<StatusCode> {
    let value = headers.get("authorization").and_then(|value| value.to_str().ok());
    let text = value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let record = registry.exchange.find(text).await.map_err(|error| failed(&error))?;
    let record = record.ok_or((StatusCode::UNAUTHORIZED, "this publish token is not valid".to_owned()))?;
    let upload = Upload { token: TokenHash::of(text), record, name: &name, version: &version, file: &file };
    registry.publish(upload).await.map_err(|error| failed(&error))
}

/// The versions of a package, each with the run that published it.
async fn versions(State(registry): State<Registry>, Path(name): Path<String>) -> Answer<Json<Value>> {
    let query = "SELECT version, sha256, run FROM version WHERE package = $1 ORDER BY version";
    let rows: Result<Vec<(String, String, Option<String>)>, _> =
        sqlx::query_as(query).bind(name).fetch_all(registry.store.pool()).await;
    let rows = rows.map_err(|error| failed(&error.into()))?;
    Ok(Json(
        rows.into_iter()
            .map(|(version, sha256, run)| json!({ "version": version, "sha256": sha256, "run": run }))
            .collect(),
    ))
}

fn failed(error: &StoreError) -> (StatusCode, String) {
    tracing::error!(%error, "the store failed");
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::open("sqlite:widgets.db", "npm:127.0.0.1", &Context::system()?).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    Ok(axum::serve(listener, registry.app()).await?)
}
