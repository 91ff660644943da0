use http::{HeaderMap, Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::body::{AnswerBody, RequestBody};
use super::exchange::Exchange;
use super::http::{allowing, bearer, explained, json, read};
use super::refusal::Refusal;
use super::refusal_kind::RefusalKind;
use super::request::{ExchangeRequest, Minted};
use super::service::tower_service;
use crate::npm::{PackageName, TOKEN_VARIABLE};

/// The protocol's name in the stores.
const ECOSYSTEM: &str = "npm";
/// The path of npm's OIDC endpoints below a registry's URL. A mount may strip it.
const ROOT: &str = "/-/npm/v1/oidc";
/// The path of the exchange below [`ROOT`].
const EXCHANGE: &str = "/token/exchange";
/// The path before a package's name, below [`EXCHANGE`].
const PACKAGE: &str = "/package/";

/// npm's exchange as a tower service, to be mounted at `/-/npm/v1/oidc` below any prefix. The mount may strip
/// the part before `/token/exchange`.
///
/// It answers `POST …/token/exchange/package/<name>` with a bearer token, and the earlier form of the
/// protocol, `POST …/token/exchange` with a JSON body `{"package_name", "id_token"}`. A name is written as
/// `@acme%2fwidget`, `@acme%2Fwidget`, `%40acme%2Fwidget` or in two segments. A success is 201 with
/// `token_type`, `token`, `created` and `expires`. A refusal is `{"message"}`, together with `{"body":
/// {"message"}}`, which pnpm reads:
///
/// | [`RefusalKind`] | status |
/// |---|---|
/// | `Malformed` | 400 |
/// | `NoToken`, `InvalidToken`, `AlreadyUsed` | 401 |
/// | `RuleDiffers` | 403 |
/// | `NotTrusted` | 404 |
/// | `Internal` | 500 |
/// | `KeysUnavailable` | 503 |
///
/// (npm's API documentation, `oidc.yaml`; 403 and 503 are additions.)
pub fn npm(exchange: Exchange) -> NpmExchange {
    NpmExchange { exchange }
}

/// The service of [`npm`].
#[derive(Clone, Debug)]
pub struct NpmExchange {
    exchange: Exchange,
}

tower_service!(NpmExchange, answer);

async fn answer(
    NpmExchange { exchange }: &NpmExchange,
    request: Request<RequestBody>,
) -> Response<AnswerBody> {
    let Some(endpoint) = Endpoint::parse(request.uri().path()) else {
        let expected = "there is no such endpoint; expected `…/token/exchange/package/<name>`";
        return message(StatusCode::NOT_FOUND, expected);
    };
    if request.method() != Method::POST {
        return allowing("POST", message(StatusCode::METHOD_NOT_ALLOWED, "an exchange is a POST"));
    }
    let exchanged = match endpoint {
        Endpoint::Package(escaped) => with_bearer(exchange, escaped, request.headers()).await,
        Endpoint::Body => with_body(exchange, request.into_body()).await,
    };
    match exchanged {
        Ok(minted) => json(StatusCode::CREATED, &body(&minted)),
        Err(refusal) => explained(status(refusal.kind()), shape(&refusal.to_string()), &refusal),
    }
}

/// The endpoint of a path, wherever the service is mounted.
enum Endpoint<'a> {
    Package(&'a str),
    Body,
}

impl<'a> Endpoint<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        // The path may still have the registry's own prefix, or may have been cut off by a router that nests
        // this service.
        let below = match path.split_once(ROOT) {
            Some((_, below)) => below,
            None => path,
        };
        match below.strip_prefix(EXCHANGE)? {
            "" => Some(Self::Body),
            rest => rest.strip_prefix(PACKAGE).map(Self::Package),
        }
    }
}

async fn with_bearer(exchange: &Exchange, escaped: &str, headers: &HeaderMap) -> Result<Minted, Refusal> {
    let package = match PackageName::from_path(escaped) {
        Ok(package) => package,
        Err(error) => {
            let refusal = Refusal::malformed(error.to_string());
            // The event names no package, since the path has no valid name.
            return Err(exchange.refused(&ExchangeRequest::identity(ECOSYSTEM), refusal));
        }
    };
    let request = package_request(&package);
    match bearer(headers) {
        Ok(token) => exchange.exchange(token, &request).await,
        Err(refusal) => Err(exchange.refused(&request, refusal)),
    }
}

async fn with_body(exchange: &Exchange, body: RequestBody) -> Result<Minted, Refusal> {
    let body = read(body, exchange.verifier().context().clock()).await;
    match body.and_then(|body| Document::parse(&body)) {
        Ok((document, package)) => exchange.exchange(&document.id_token, &package_request(&package)).await,
        Err(refusal) => Err(exchange.refused(&ExchangeRequest::identity(ECOSYSTEM), refusal)),
    }
}

fn package_request(package: &PackageName) -> ExchangeRequest {
    ExchangeRequest::package(ECOSYSTEM, package.as_str()).read_from(TOKEN_VARIABLE)
}

/// The body of the protocol's earlier form.
#[derive(Deserialize)]
struct Document {
    package_name: String,
    id_token: String,
}

impl Document {
    fn parse(body: &[u8]) -> Result<(Self, PackageName), Refusal> {
        let document: Self = serde_json::from_slice(body).map_err(|_| {
            Refusal::malformed("the body is not a JSON object with the texts `package_name` and `id_token`")
        })?;
        let package = PackageName::parse(&document.package_name)
            .map_err(|error| Refusal::malformed(error.to_string()))?;
        if document.id_token.is_empty() {
            return Err(Refusal::no_token("`id_token` is empty"));
        }
        Ok((document, package))
    }
}

/// The answer with a publish token.
#[derive(Serialize)]
struct Success<'a> {
    created: String,
    expires: String,
    token: &'a str,
    token_type: &'static str,
}

fn body(minted: &Minted) -> Success<'_> {
    Success {
        created: minted.created_at.to_string(),
        expires: minted.expires_at.to_string(),
        token: minted.token.expose(),
        token_type: "oidc",
    }
}

fn status(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::Malformed => StatusCode::BAD_REQUEST,
        RefusalKind::NoToken | RefusalKind::InvalidToken | RefusalKind::AlreadyUsed => {
            StatusCode::UNAUTHORIZED
        }
        RefusalKind::RuleDiffers => StatusCode::FORBIDDEN,
        RefusalKind::NotTrusted => StatusCode::NOT_FOUND,
        RefusalKind::KeysUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn message(status: StatusCode, message: &str) -> Response<AnswerBody> {
    json(status, &shape(message))
}

fn shape(message: &str) -> serde_json::Value {
    json!({ "message": message, "body": { "message": message } })
}
