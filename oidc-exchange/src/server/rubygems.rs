use http::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::body::{AnswerBody, RequestBody};
use super::exchange::Exchange;
use super::http::{allowing, exchange_member, explained, json};
use super::refusal::Refusal;
use super::refusal_kind::RefusalKind;
use super::request::{ExchangeRequest, Minted};
use super::service::tower_service;
use crate::rubygems::TOKEN_VARIABLE;

/// The protocol's name in the stores.
const ECOSYSTEM: &str = "rubygems";

/// RubyGems' exchange as a tower service, to be mounted at `/api/v1/oidc/trusted_publisher/exchange_token`.
///
/// `POST` with `{"jwt"}` makes a token for every gem with a publisher that accepts the identity; the answer
/// is 201 and `{"rubygems_api_key", "name", "scopes", "expires_at"}`. A refusal has its reason in `{"error"}`:
///
/// | [`RefusalKind`] | status |
/// |---|---|
/// | `Malformed`, `NoToken` | 400 |
/// | `InvalidToken`, `AlreadyUsed`, `NotTrusted`, `RuleDiffers` | 404 |
/// | `Internal` | 500 |
/// | `KeysUnavailable` | 503 |
///
/// Tokens can't be revoked. (rubygems.org's `app/controllers/api/v1/oidc`; the reason and 503 are additions.)
pub fn rubygems(exchange: Exchange) -> RubyGemsExchange {
    RubyGemsExchange { exchange }
}

/// The service of [`rubygems`].
#[derive(Clone, Debug)]
pub struct RubyGemsExchange {
    exchange: Exchange,
}

tower_service!(RubyGemsExchange, answer);

async fn answer(
    RubyGemsExchange { exchange }: &RubyGemsExchange,
    request: Request<RequestBody>,
) -> Response<AnswerBody> {
    if request.method() != Method::POST {
        return allowing("POST", error(StatusCode::METHOD_NOT_ALLOWED, "an exchange is a POST"));
    }
    match exchange_member(exchange, &identity_request(), request.into_body(), "jwt").await {
        Ok(minted) => json(StatusCode::CREATED, &body(&minted)),
        Err(refusal) => refused(&refusal),
    }
}

/// A request for every package that the identity may publish.
fn identity_request() -> ExchangeRequest {
    ExchangeRequest::identity(ECOSYSTEM).read_from(TOKEN_VARIABLE)
}

fn body(minted: &Minted) -> serde_json::Value {
    json!({
        "rubygems_api_key": minted.token.expose(),
        "name": format!("trusted publisher, {}", minted.created_at),
        "scopes": ["push_rubygem"],
        "expires_at": minted.expires_at.to_string(),
    })
}

fn refused(refusal: &Refusal) -> Response<AnswerBody> {
    let status = match refusal.kind() {
        RefusalKind::Malformed | RefusalKind::NoToken => StatusCode::BAD_REQUEST,
        RefusalKind::KeysUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::NOT_FOUND,
    };
    explained(status, shape(&refusal.to_string()), refusal)
}

fn error(status: StatusCode, reason: &str) -> Response<AnswerBody> {
    json(status, &shape(reason))
}

fn shape(reason: &str) -> serde_json::Value {
    json!({ "error": reason })
}
