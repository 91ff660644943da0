use http::{Method, Request, Response, StatusCode};
use oidc_core::verify::{Reason, VerifyError};
use serde_json::json;

use super::body::{AnswerBody, RequestBody};
use super::exchange::Exchange;
use super::http::{allowing, exchange_member, explained, json, member, unexchanged};
use super::refusal::Refusal;
use super::refusal_kind::RefusalKind;
use super::request::{ExchangeRequest, Minted};
use super::service::tower_service;
use crate::pypi::TOKEN_VARIABLE;

/// The protocol's name in the stores.
const ECOSYSTEM: &str = "pypi";
/// The path of PyPI's OIDC endpoints at a host's root. A mount may strip it.
const ROOT: &str = "/_/oidc";

/// PyPI's endpoints as a tower service, to be mounted at `/_/oidc` of the host that takes the uploads. The
/// mount may strip `/_/oidc`.
///
/// | request | answer |
/// |---|---|
/// | `GET /audience` | `{"audience"}`, the verifier's first |
/// | `POST /mint-token`, `POST /github/mint-token` | `{"success", "token", "expires"}`, for every project with a publisher that accepts the identity |
/// | `POST /burn-token` | 202 and the same text for any body, and 422 for an identity token |
///
/// A refusal is `{"message", "errors": [{"code", "description"}]}`:
///
/// | [`RefusalKind`] | status | code |
/// |---|---|---|
/// | `Malformed`, `NoToken` | 422 | `invalid-payload` |
/// | `InvalidToken` | 422 | `invalid-token`; `invalid-payload` if the text can't be read as a token or its issuer is not known |
/// | `AlreadyUsed` | 422 | `invalid-reuse-token` |
/// | `NotTrusted`, `RuleDiffers` | 422 | `invalid-publisher` |
/// | `Internal` | 500, an addition | `invalid-token` |
/// | `KeysUnavailable` | 503, an addition | `invalid-token` |
///
/// Where trusted publishing is switched off, the status is 422 with the code `not-enabled`, and 403 with `{"message"}` for the
/// audience. `invalid-pending-publisher` never occurs here, since a pending publisher ends when its project is created. (warehouse's
/// `warehouse/oidc/views.py`.)
pub fn pypi(exchange: Exchange) -> PypiTokens {
    PypiTokens { exchange, is_enabled: true }
}

/// The service of [`pypi`].
#[derive(Clone, Debug)]
pub struct PypiTokens {
    exchange: Exchange,
    is_enabled: bool,
}

impl PypiTokens {
    /// Switches trusted publishing off: nobody gets a token, and clients are told the reason. Tokens can
    /// still be revoked.
    #[must_use]
    pub fn switched_off(self) -> Self {
        Self { is_enabled: false, ..self }
    }
}

tower_service!(PypiTokens, answer);

async fn answer(tokens: &PypiTokens, request: Request<RequestBody>) -> Response<AnswerBody> {
    let path = request.uri().path();
    let endpoint = path.split_once(ROOT).map_or(path, |(_, below)| below);
    let method = request.method();
    match endpoint {
        "/audience" if method == Method::GET || method == Method::HEAD => tokens.audience(),
        "/mint-token" | "/github/mint-token" if method == Method::POST => {
            tokens.mint(request.into_body()).await
        }
        "/burn-token" if method == Method::POST => tokens.burn(request.into_body()).await,
        "/audience" => allowing("GET", message(StatusCode::METHOD_NOT_ALLOWED, "the audience is read")),
        "/mint-token" | "/github/mint-token" | "/burn-token" => {
            allowing("POST", message(StatusCode::METHOD_NOT_ALLOWED, "tokens are made and ended by POST"))
        }
        _ => message(StatusCode::NOT_FOUND, "there is no such endpoint"),
    }
}

impl PypiTokens {
    fn audience(&self) -> Response<AnswerBody> {
        match self.exchange.verifier().audiences().first() {
            Some(audience) if self.is_enabled => {
                json(StatusCode::OK, &json!({ "audience": audience.as_str() }))
            }
            _ => message(StatusCode::FORBIDDEN, "Trusted publishing functionality not enabled"),
        }
    }

    async fn mint(&self, body: RequestBody) -> Response<AnswerBody> {
        if !self.is_enabled {
            let description = "trusted publishing functionality not enabled";
            return errors(StatusCode::UNPROCESSABLE_ENTITY, "not-enabled", description);
        }
        match exchange_member(&self.exchange, &identity_request(), body, "token").await {
            Ok(minted) => json(StatusCode::OK, &success(&minted)),
            Err(refusal) => refused(&refusal),
        }
    }

    /// Revokes a text that may be a publish token. The answer is the same for every text but an identity
    /// token.
    async fn burn(&self, body: RequestBody) -> Response<AnswerBody> {
        let clock = self.exchange.verifier().context().clock();
        if let Ok(token) = member(body, clock, "token").await {
            if let Some(description) = unexchanged(&token, "`POST` at `/_/oidc/mint-token`") {
                return errors(StatusCode::UNPROCESSABLE_ENTITY, "invalid-payload", &description);
            }
            if let Err(error) = self.exchange.revoke(&token).await {
                return refused(&error.into());
            }
        }
        json(StatusCode::ACCEPTED, &json!({ "message": "Accepted", "errors": [] }))
    }
}

/// A request for every package that the identity may publish.
pub(super) fn identity_request() -> ExchangeRequest {
    ExchangeRequest::identity(ECOSYSTEM).read_from(TOKEN_VARIABLE)
}

fn success(minted: &Minted) -> serde_json::Value {
    json!({ "success": true, "token": minted.token.expose(), "expires": minted.expires_at.as_secs() })
}

fn refused(refusal: &Refusal) -> Response<AnswerBody> {
    let status = match refusal.kind() {
        RefusalKind::KeysUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let description = match refusal.kind() {
        RefusalKind::NotTrusted | RefusalKind::RuleDiffers => {
            format!("valid token, but no corresponding publisher ({refusal})")
        }
        _ => refusal.to_string(),
    };
    explained(status, shape(code(refusal), &description), refusal)
}

/// The protocol's code for a refusal. A text that can't be read as a token, or that is from an unknown
/// issuer, is a fault of the payload.
fn code(refusal: &Refusal) -> &'static str {
    let unread = |error: &VerifyError| {
        matches!(
            error.reason(),
            Reason::TooLarge | Reason::Shape | Reason::Header | Reason::Claims(_) | Reason::Issuer
        )
    };
    match refusal.kind() {
        RefusalKind::Malformed | RefusalKind::NoToken => "invalid-payload",
        RefusalKind::NotTrusted | RefusalKind::RuleDiffers => "invalid-publisher",
        RefusalKind::AlreadyUsed => "invalid-reuse-token",
        _ if refusal.verify_error().is_some_and(unread) => "invalid-payload",
        _ => "invalid-token",
    }
}

fn errors(status: StatusCode, code: &str, description: &str) -> Response<AnswerBody> {
    json(status, &shape(code, description))
}

fn shape(code: &str, description: &str) -> serde_json::Value {
    let error = json!({ "code": code, "description": description });
    json!({ "message": "Token request failed", "errors": [error] })
}

fn message(status: StatusCode, message: &str) -> Response<AnswerBody> {
    json(status, &json!({ "message": message }))
}
