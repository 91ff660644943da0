//! The HTTP endpoints. Those of all services are at one URL, since their paths differ.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::TIMESTAMP;
use super::entry::{ProposedEntry, TiledEntry};
use super::instance::{CertificateRequest, Instance, Refused};
use super::log::Added;
use super::{Fault, SigstoreError};

/// The path of the transparency log's entries.
const ENTRIES: &str = "/api/v1/log/entries";
/// The path at which version 2 of the interface adds entries.
const TILED_ENTRIES: &str = "/api/v2/log/entries";
/// The limit on a request, in bytes.
const MAX_REQUEST: usize = 1 << 20;

pub(super) fn router(instance: Arc<Instance>) -> Router {
    Router::new()
        .route("/api/v2/signingCert", post(certificate))
        .route("/api/v2/trustBundle", get(trust_bundle))
        .route(ENTRIES, get(numbered_entry).post(add))
        .route(&format!("{ENTRIES}/{{id}}"), get(entry))
        .route(TILED_ENTRIES, post(add_tiled))
        .route(TIMESTAMP, post(timestamp))
        .route("/{*path}", get(file))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(instance)
}

/// A refusal in the form that Fulcio and Rekor use.
fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "code": status.as_u16(), "message": message }))).into_response()
}

fn failed(error: &SigstoreError) -> Response {
    refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
}

async fn certificate(
    State(instance): State<Arc<Instance>>,
    Json(request): Json<CertificateRequest>,
) -> Response {
    match instance.issue(&request).await {
        Ok(chain) => {
            let chain = json!({ "chain": { "certificates": chain } });
            // As Fulcio answers where its log gave no SCT to embed.
            let member = match instance.fault {
                Some(Fault::NoSct) => "signedCertificateDetachedSct",
                _ => "signedCertificateEmbeddedSct",
            };
            Json(json!({ member: chain })).into_response()
        }
        Err(Refused::Token(problem)) => {
            let message = format!("There was an error processing the identity token: {problem}");
            refused(StatusCode::BAD_REQUEST, &message)
        }
        Err(Refused::Request(problem)) => refused(StatusCode::BAD_REQUEST, problem),
        Err(Refused::Failed(error)) => failed(&error),
    }
}

async fn trust_bundle(State(instance): State<Arc<Instance>>) -> Json<Value> {
    Json(json!({ "chains": [{ "certificates": instance.authority.chain_pem() }] }))
}

async fn add(State(instance): State<Arc<Instance>>, Json(proposed): Json<ProposedEntry>) -> Response {
    if instance.fault == Some(Fault::LogDown) {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "the log is down");
    }
    let body = match proposed.canonical() {
        Ok(body) => body,
        Err(problem) => return refused(StatusCode::BAD_REQUEST, problem),
    };
    match instance.log.add(body, instance.context.clock().now()) {
        Ok(Added { id, is_new: true, shown }) if instance.fault != Some(Fault::EntryExists) => {
            (StatusCode::CREATED, [(header::LOCATION, location(&id))], Json(shown)).into_response()
        }
        Ok(Added { id, .. }) => {
            let message = "an equivalent entry already exists in the transparency log";
            let answer = refused(StatusCode::CONFLICT, message);
            ([(header::LOCATION, location(&id))], answer).into_response()
        }
        Err(error) => failed(&error),
    }
}

async fn add_tiled(State(instance): State<Arc<Instance>>, Json(proposed): Json<TiledEntry>) -> Response {
    if instance.fault == Some(Fault::LogDown) {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "the log is down");
    }
    let body = match proposed.canonical() {
        Ok(body) => body,
        Err(problem) => return refused(StatusCode::BAD_REQUEST, problem),
    };
    match instance.log.add_tiled(body, instance.context.clock().now()) {
        Ok(shown) => (StatusCode::CREATED, Json(shown)).into_response(),
        Err(error) => failed(&error),
    }
}

async fn timestamp(State(instance): State<Arc<Instance>>, query: Bytes) -> Response {
    match instance.timestamps.answer(&query, instance.context.clock().now()) {
        Ok(Some(answer)) => {
            let kind = [(header::CONTENT_TYPE, "application/timestamp-reply")];
            (StatusCode::CREATED, kind, answer).into_response()
        }
        Ok(None) => refused(StatusCode::BAD_REQUEST, "the request is no timestamp query"),
        Err(error) => failed(&error),
    }
}

fn location(id: &str) -> String {
    format!("{ENTRIES}/{id}")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbered {
    log_index: usize,
}

async fn numbered_entry(
    State(instance): State<Arc<Instance>>,
    Query(Numbered { log_index }): Query<Numbered>,
) -> Response {
    found(&instance, instance.log.numbered_entry(log_index))
}

async fn entry(State(instance): State<Arc<Instance>>, Path(id): Path<String>) -> Response {
    found(&instance, instance.log.entry(&id))
}

fn found(instance: &Instance, entry: Result<Option<Value>, SigstoreError>) -> Response {
    if instance.fault == Some(Fault::LogDown) {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "the log is down");
    }
    match entry {
        Ok(Some(entry)) => Json(entry).into_response(),
        Ok(None) => refused(StatusCode::NOT_FOUND, "the log has no such entry"),
        Err(error) => failed(&error),
    }
}

async fn file(State(instance): State<Arc<Instance>>, Path(path): Path<String>) -> Response {
    match instance.file(&path) {
        Some(content) => ([(header::CONTENT_TYPE, "application/json")], content).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
