//! Hosting crates: publish, download and sparse index, for the real `cargo`.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /index/config.json` | where the rest is |
//! | `GET /index/{prefix}/{crate}` | a crate's versions, one JSON object a line |
//! | `PUT /api/v1/crates/new` | publishes one version |
//! | `GET /api/v1/crates/{crate}/{version}/download` | a `.crate` file |
//! | anything else below `/api/v1/crates` | nothing: yanking, owners and searching are not supported |
//!
//! Sources: the Cargo Book, "Registry Index" and "Registry Web API".

mod index;
mod manifest;
mod publication;
mod rules;
mod unsupported;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, put};
use oidc_exchange::crates_io::{CrateName, InvalidCrateName};
use serde_json::{Value, json};

use self::publication::Claimed;
use super::failure::Failure;
use super::hosting::{File, Hosting, Page};
use super::intake::blocking;
use super::pieces;

/// A name as the stores have it, the same for all its spellings.
pub(super) fn normalized(name: &str) -> Result<String, InvalidCrateName> {
    CrateName::parse(name).map(|name| name.canonical())
}

/// The cargo half of a registry.
#[derive(Clone)]
struct Cargo {
    hosting: Hosting,
    public_url: String,
}

/// The routes, to be merged at a registry's root or nested under a prefix. `public_url` is where clients reach it.
pub(super) fn router(hosting: Hosting, public_url: &str) -> Router {
    let public_url = public_url.trim_end_matches('/').to_owned();
    Router::new()
        .route("/index/config.json", get(config))
        .route("/index/{*path}", get(versions))
        .route("/api/v1/crates/new", put(publish))
        .route("/api/v1/crates/{name}/{version}/download", get(download))
        .route("/api/v1/crates", any(unsupported))
        .route("/api/v1/crates/{name}", any(unsupported))
        .route("/api/v1/crates/{name}/{part}", any(unsupported))
        .route("/api/v1/crates/{name}/{version}/{part}", any(unsupported))
        .route("/api/v1/trusted_publishing/{*path}", any(unsupported))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Cargo { hosting, public_url })
}

async fn config(State(cargo): State<Cargo>) -> Response {
    let url = &cargo.public_url;
    Json(json!({ "dl": format!("{url}/api/v1/crates"), "api": url })).into_response()
}

async fn versions(State(cargo): State<Cargo>, Path(path): Path<String>) -> Response {
    answered(cargo.versions(&path).await)
}

async fn publish(State(cargo): State<Cargo>, headers: HeaderMap, body: Body) -> Response {
    answered(cargo.publish(&headers, body).await)
}

async fn download(State(cargo): State<Cargo>, Path((name, version)): Path<(String, String)>) -> Response {
    answered(cargo.download(&name, &version).await)
}

async fn unsupported(State(cargo): State<Cargo>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let operation = unsupported::operation(uri.path());
    cargo.hosting.refuse(operation, &method, &headers).await.answer(shape)
}

async fn method_not_allowed(State(cargo): State<Cargo>, method: Method, headers: HeaderMap) -> Response {
    cargo.hosting.refuse_method(&method, &headers).await.answer(shape)
}

fn answered(answer: Result<Response, Failure>) -> Response {
    answer.unwrap_or_else(|failure| failure.answer(shape))
}

/// A refusal in the shape that cargo shows.
fn shape(message: &str) -> Value {
    json!({ "errors": [{ "detail": message }] })
}

impl Cargo {
    async fn versions(&self, path: &str) -> Result<Response, Failure> {
        let name = path.rsplit('/').next().and_then(|name| CrateName::parse(name).ok());
        let name = name.filter(|name| index::path_of(name) == path);
        let name = name.ok_or_else(|| Failure::not_found(path))?;
        let line = |file: &File| format!("{}\n", file.metadata);
        let lines = self.hosting.files(&name.canonical(), Page::default(), line).await?;
        Ok(([(CONTENT_TYPE, "text/plain"), (CACHE_CONTROL, "no-cache")], pieces::body(lines)).into_response())
    }

    async fn publish(&self, headers: &HeaderMap, body: Body) -> Result<Response, Failure> {
        let by = self.hosting.admit(headers).await?;
        let mut body = self.hosting.body(&by, body).await?;
        let claimed = Claimed::read(&mut body).await?;
        self.hosting.may_publish(&by.token, &claimed.package()).await?;
        let publication = claimed.with_content(body).await?;
        let upload = blocking(move || publication.into_upload()).await??;
        self.hosting.publish(Some(&by.token), upload).await?;
        let nothing: [&str; 0] = [];
        let warnings = json!({ "invalid_categories": nothing, "invalid_badges": nothing, "other": nothing });
        Ok(Json(json!({ "warnings": warnings })).into_response())
    }

    async fn download(&self, name: &str, version: &str) -> Result<Response, Failure> {
        let name = CrateName::parse(name).map_err(|error| Failure::malformed(error.to_string()))?;
        let content = self.hosting.content(&publication::file_name(&name, version)).await?;
        Ok(([(CONTENT_TYPE, "application/x-tar")], content).into_response())
    }
}
