//! A registry with a protocol of its own: `POST /tokens/NAME` exchanges an identity token for a publish token, and
//! `PUT /packages/NAME` takes the package.
//!
//! `cargo run --example own_endpoint` serves it at `http://127.0.0.1:9000/`.

use std::error::Error;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{post, put};
use axum::{Json, Router};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context};
use oidc_exchange::server::{Exchange, ExchangeRequest, Package, RefusalKind};
use oidc_exchange::sql::SqlStore;
use serde_json::{Value, json};

/// The name under which the publishers of this registry's packages are stored.
const ECOSYSTEM: &str = "widgets";

type Answer = Result<(StatusCode, Json<Value>), (StatusCode, String)>;

pub(crate) fn app(exchange: Exchange) -> Router {
    Router::new()
        .route("/tokens/{name}", post(exchange_token))
        .route("/packages/{name}", put(publish))
        .with_state(exchange)
}

async fn exchange_token(
    State(exchange): State<Exchange>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let request = ExchangeRequest::package(ECOSYSTEM, checked(name)?);
    let minted = exchange.exchange(bearer(&headers)?, &request).await;
    // A refusal's text and diagnosis are safe for whoever sent the token.
    let minted = minted.map_err(|refusal| (status(refusal.kind()), refusal.to_string()))?;
    let body = json!({ "token": minted.token.expose(), "expires_at": minted.expires_at.to_string() });
    Ok((StatusCode::CREATED, Json(body)))
}

async fn publish(
    State(exchange): State<Exchange>,
    Path(name): Path<String>,
    headers: HeaderMap,
    upload: axum::body::Bytes,
) -> Answer {
    let package = Package::new(ECOSYSTEM, checked(name)?);
    let found = exchange.find(bearer(&headers)?).await;
    let token = found.map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "the store failed".to_owned()))?;
    let token = token.ok_or((StatusCode::UNAUTHORIZED, "this publish token is not valid".to_owned()))?;
    let Some(granted) = token.for_package(&package) else {
        return Err((StatusCode::FORBIDDEN, format!("this publish token is not for {package}")));
    };
    // Here the registry stores the upload, in a transaction that asks once more (see `own_tables`).
    let body = json!({ "package": package.name, "size": upload.len(), "publisher": granted.publisher, "run": token.run.url });
    Ok((StatusCode::CREATED, Json(body)))
}

/// A name in the one spelling that it is stored by.
fn checked(name: String) -> Result<String, (StatusCode, String)> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(is_name) {
        return Ok(name);
    }
    Err((StatusCode::BAD_REQUEST, "a name has 1 to 64 lower-case letters, digits and `-`".to_owned()))
}

fn bearer(headers: &HeaderMap) -> Result<&str, (StatusCode, String)> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer "));
    token.ok_or((StatusCode::UNAUTHORIZED, "send the token as `Authorization: Bearer …`".to_owned()))
}

fn status(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::RuleDiffers => StatusCode::FORBIDDEN,
        RefusalKind::NotTrusted => StatusCode::NOT_FOUND,
        RefusalKind::KeysUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNAUTHORIZED,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cx = Context::system()?;
    let audience = Audience::new("https://widgets.example")?;
    let verifier = Verifier::new(AwsLc, [audience], &oidc_providers::all(), &cx)?;
    let store = SqlStore::open("sqlite:widgets.db").await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    Ok(axum::serve(listener, app(Exchange::builder(verifier, store).build())).await?)
}
