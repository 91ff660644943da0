use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use oidc_core::Secret;
use serde_json::json;

use super::body::{AnswerBody, RequestBody};
use super::exchange::Exchange;
use super::http::{allowing, empty, exchange_member, explained, json, unexchanged};
use super::presented::presented_token;
use super::refusal::Refusal;
use super::refusal_kind::RefusalKind;
use super::request::ExchangeRequest;
use super::service::tower_service;
use crate::crates_io::TOKEN_VARIABLE;

/// The protocol's name in the stores.
const ECOSYSTEM: &str = "cargo";

/// crates.io's exchange as a tower service, to be mounted at `/api/v1/trusted_publishing/tokens`.
///
/// `POST` with `{"jwt"}` makes a token for every crate with a publisher that accepts the identity; the answer
/// is 200 and `{"token"}`. `DELETE` with a token in `Authorization`, as [`Exchange::find_in`] reads it, revokes the
/// token: 204, whether it existed or not, and 401 for a text that is no token. A refusal is `{"errors":
/// [{"detail"}]}`:
///
/// | [`RefusalKind`] | status |
/// |---|---|
/// | `Malformed`, `NoToken`: a body without `jwt` | 422, and 415 for a body that is not declared as JSON |
/// | `InvalidToken`, `AlreadyUsed`, `NotTrusted`, `RuleDiffers` | 400 |
/// | `Internal` | 500 |
/// | `KeysUnavailable` | 503 |
///
/// (crates.io's `src/controllers/trustpub/tokens`; 503 is an addition.)
pub fn crates_io(exchange: Exchange) -> CratesIoTokens {
    CratesIoTokens { exchange }
}

/// The service of [`crates_io`].
#[derive(Clone, Debug)]
pub struct CratesIoTokens {
    exchange: Exchange,
}

tower_service!(CratesIoTokens, answer);

async fn mint(exchange: &Exchange, request: Request<RequestBody>) -> Response<AnswerBody> {
    if !is_json(request.headers()) {
        let message = "expected a request with `Content-Type: application/json`";
        return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    match exchange_member(exchange, &identity_request(), request.into_body(), "jwt").await {
        Ok(minted) => json(StatusCode::OK, &json!({ "token": minted.token.expose() })),
        Err(refusal) => refused(&refusal),
    }
}

async fn answer(
    CratesIoTokens { exchange }: &CratesIoTokens,
    request: Request<RequestBody>,
) -> Response<AnswerBody> {
    match *request.method() {
        Method::POST => mint(exchange, request).await,
        Method::DELETE => revoke(exchange, request.headers()).await,
        _ => {
            allowing("POST, DELETE", error(StatusCode::METHOD_NOT_ALLOWED, "tokens are made and ended here"))
        }
    }
}

/// A request for every package that the identity may publish.
fn identity_request() -> ExchangeRequest {
    ExchangeRequest::identity(ECOSYSTEM).read_from(TOKEN_VARIABLE)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

async fn revoke(exchange: &Exchange, headers: &HeaderMap) -> Response<AnswerBody> {
    let token = presented_token(headers);
    match token.as_ref().map(Secret::expose).filter(|token| exchange.is_ours(token)) {
        None => {
            let mut sent = headers.get_all(AUTHORIZATION).iter().filter_map(|value| value.to_str().ok());
            let unexchanged = sent.find_map(|sent| unexchanged(sent, "`POST` at this path"));
            let detail = unexchanged.as_deref().unwrap_or("`Authorization` holds no token of this registry");
            error(StatusCode::UNAUTHORIZED, detail)
        }
        Some(token) => match exchange.revoke(token).await {
            Ok(()) => empty(StatusCode::NO_CONTENT),
            Err(error) => refused(&error.into()),
        },
    }
}

fn refused(refusal: &Refusal) -> Response<AnswerBody> {
    let status = match refusal.kind() {
        RefusalKind::Malformed | RefusalKind::NoToken => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalKind::KeysUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    explained(status, shape(&refusal.to_string()), refusal)
}

fn error(status: StatusCode, detail: &str) -> Response<AnswerBody> {
    json(status, &shape(detail))
}

fn shape(detail: &str) -> serde_json::Value {
    json!({ "errors": [{ "detail": detail }] })
}
