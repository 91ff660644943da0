use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, on, post};
use axum::{Json, Router};
use oidc_core::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::mint::Minter;
use super::{Changes, Fault};

/// The path at which `ci-issuer token` asks for a token. It is not part of any platform, and no fault keeps it from
/// answering.
pub(super) const MINT_PATH: &str = "/-/ci-issuer/token";

/// The path at which the platform's played command asks for a token. Faults apply to it.
pub(super) const JOB_PATH: &str = "/-/ci-issuer/job-token";

/// The limit on a request for a token, in bytes.
const MAX_REQUEST: usize = 64 * 1024;

/// The request to [`MINT_PATH`].
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MintRequest {
    pub(super) audience: String,
    #[serde(default)]
    pub(super) changes: Changes,
}

/// The answer of [`MINT_PATH`].
#[derive(Serialize, Deserialize)]
pub(super) struct MintAnswer {
    pub(super) token: String,
}

/// The state that the handlers share.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) minter: Arc<Minter>,
    pub(super) request_token: Secret,
    /// The delay that [`Fault::Slow`] gives an answer.
    pub(super) delay: Duration,
    /// The path of the issuer's URL, empty or with a slash before it.
    pub(super) path: String,
    /// Turns true when the server shall end.
    pub(super) stop: watch::Receiver<bool>,
}

impl Server {
    pub(super) fn router(self) -> Router {
        let platform = self.minter.platform;
        let mut routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route(platform.jwks_path, get(jwks));
        if let Some(endpoint) = &platform.endpoint {
            routes = routes.route(endpoint.path, on(endpoint.method, token));
        }
        if platform.command.is_some() {
            routes = routes.route(JOB_PATH, post(mint));
        }
        let path = self.path.clone();
        let routes = routes
            .route_layer(from_fn_with_state(self.clone(), faults))
            .route(MINT_PATH, post(mint))
            .layer(DefaultBodyLimit::max(MAX_REQUEST))
            .with_state(self);
        if path.is_empty() { routes } else { Router::new().nest(&path, routes) }
    }
}

async fn faults(State(server): State<Server>, request: Request, next: Next) -> Response {
    match server.minter.fault {
        Some(Fault::Down) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Fault::Slow) => {
            let mut stop = server.stop.clone();
            tokio::select! {
                () = server.minter.context.clock().sleep(server.delay) => {}
                _ = stop.wait_for(|stop| *stop) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            }
        }
        _ => {}
    }
    next.run(request).await
}

async fn discovery(State(server): State<Server>) -> Json<Value> {
    Json(server.minter.issuer.discovery())
}

async fn jwks(State(server): State<Server>) -> Json<Value> {
    Json(server.minter.issuer.jwks())
}

#[derive(Default, Deserialize)]
struct Asked {
    audience: Option<String>,
}

async fn token(
    State(server): State<Server>,
    Query(query): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(endpoint) = &server.minter.platform.endpoint else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !(endpoint.is_allowed)(&headers, server.request_token.expose()) {
        let message = json!({ "message": "the request token is missing or wrong" });
        return (StatusCode::UNAUTHORIZED, Json(message)).into_response();
    }
    let changes = Changes::default();
    let asked: Asked = serde_json::from_slice(&body).unwrap_or_default();
    let audience = match query.audience.or(asked.audience).filter(|audience| !audience.is_empty()) {
        Some(audience) => audience,
        None => (endpoint.default_audience)(&server.minter.claims("", &changes)),
    };
    (endpoint.answer)(&server.minter.token(&audience, &changes))
}

async fn mint(State(server): State<Server>, Json(request): Json<MintRequest>) -> Json<MintAnswer> {
    Json(MintAnswer { token: server.minter.token(&request.audience, &request.changes) })
}
