//! The registry of the demonstration: npm's exchange, and two routes that store a version and list a package's versions.
//!
//! It has one package, whose one publisher is configured at the start. `programs/registry` is a registry that real clients use.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use axum::{Json, Router};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Context, HttpUrl, ProviderSet};
use oidc_exchange::npm::{self, Port};
use oidc_exchange::server::{self, Exchange, Package, StoreError, TokenHash, Trust};
use oidc_exchange::sql::SqlStore;
use oidc_providers::GitHubPublisher;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Failure;

const TABLE: &str = "CREATE TABLE version (package TEXT NOT NULL, version TEXT NOT NULL, size BIGINT NOT NULL, \
    run TEXT, PRIMARY KEY (package, version))";
const NEW_VERSION: &str =
    "INSERT INTO version (package, version, size, run) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
/// An upload may have this many bytes.
const MAX_UPLOAD: usize = 1 << 20;

/// A registry on loopback.
pub(super) struct Registry {
    url: HttpUrl,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Registry {
    /// Starts a registry that trusts the workflow `publish.yml` of `acme/widget` on this issuer's platform for `package`.
    pub(super) async fn start(
        database: &str,
        package: &str,
        issuer: &str,
        cx: &Context,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = HttpUrl::parse(&format!("http://{}/", listener.local_addr()?))?;
        let providers: ProviderSet = [oidc_providers::at("github", issuer)?].into_iter().collect();
        let store = open(database).await?;
        let trust = Trust::new(providers.clone(), store.clone(), cx);
        let rules = GitHubPublisher::new("acme/widget", "publish.yml");
        trust.add(&trust.prepare(Package::new("npm", package), "github", None, rules)?).await?;
        let audience = npm::audience(&url, Port::LeftOut)?;
        let verifier = Verifier::new(AwsLc, [audience], &providers, cx)?;
        let exchange = Exchange::builder(verifier, store.clone()).build();
        let (stop, stopped) = oneshot::channel();
        let app = Packages { store, exchange }.app();
        let server = tokio::spawn(async move {
            let stopped = async {
                // An error means that the registry was dropped, which is the same wish.
                let _wish = stopped.await;
            };
            // `axum::serve` ends without an error, whatever becomes of a connection.
            let _served = axum::serve(listener, app).with_graceful_shutdown(stopped).await;
        });
        Ok(Self { url, stop, server })
    }

    pub(super) fn url(&self) -> &HttpUrl {
        &self.url
    }

    pub(super) async fn stop(self) {
        let _sent = self.stop.send(());
        // A panic of the server's task was reported where it happened.
        let _ended = self.server.await;
    }
}

async fn open(database: &str) -> Result<SqlStore, Failure> {
    let store = SqlStore::open(database).await?;
    let mut transaction = store.begin().await?;
    sqlx::query(TABLE).execute(transaction.connection()).await?;
    transaction.commit().await?;
    Ok(store)
}

#[derive(Clone)]
struct Packages {
    store: SqlStore,
    exchange: Exchange,
}

type Answer<T> = Result<T, (StatusCode, String)>;

impl Packages {
    fn app(self) -> Router {
        Router::new()
            .nest_service("/-/npm/v1/oidc", server::npm(self.exchange.clone()))
            .route("/{name}", get(versions))
            .route("/{name}/{version}", put(publish).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
            .with_state(self)
    }

    /// Stores a version, if the publish token is for the package and stays valid until the version is stored.
    async fn publish(
        &self,
        text: &str,
        name: &str,
        version: &str,
        file: &[u8],
    ) -> Result<StatusCode, StoreError> {
        let (package, size) = (Package::new("npm", name), i64::try_from(file.len()).unwrap_or(i64::MAX));
        let Some(record) = self.exchange.find(text).await? else { return Ok(StatusCode::UNAUTHORIZED) };
        let now = self.exchange.verifier().context().clock().now();
        let mut tx = self.store.begin().await?;
        if tx.authorize(&record, Some(&TokenHash::of(text)), &package, &[], now).await?.is_none() {
            return Ok(StatusCode::FORBIDDEN);
        }
        let insert = sqlx::query(NEW_VERSION).bind(name).bind(version).bind(size).bind(record.run.url);
        if insert.execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(StatusCode::CONFLICT);
        }
        tx.commit().await?;
        Ok(StatusCode::CREATED)
    }
}

async fn publish(
    State(packages): State<Packages>,
    Path((name, version)): Path<(String, String)>,
    headers: HeaderMap,
    file: Bytes,
) -> Answer<StatusCode> {
    let value = headers.get("authorization").and_then(|value| value.to_str().ok());
    let text = value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    packages.publish(text, &name, &version, &file).await.map_err(|error| failed(&error))
}

/// The versions of a package, each with the run that published it.
async fn versions(State(packages): State<Packages>, Path(name): Path<String>) -> Answer<Json<Value>> {
    let query = "SELECT version, size, run FROM version WHERE package = $1 ORDER BY version";
    let rows: Result<Vec<(String, i64, Option<String>)>, _> =
        sqlx::query_as(query).bind(name).fetch_all(packages.store.pool()).await;
    let rows = rows.map_err(|error| failed(&error.into()))?;
    Ok(Json(
        rows.into_iter()
            .map(|(version, size, run)| json!({ "version": version, "size": size, "run": run }))
            .collect(),
    ))
}

fn failed(error: &StoreError) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
