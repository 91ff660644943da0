use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use oidc_core::HttpUrl;
use serde_json::{Value, json};

use super::body::{AnswerBody, RequestBody};
use super::exchange::Exchange;
use super::http::{Document, allowing, document, exchange_asked, explained, json};
use super::pypi::identity_request;
use super::refusal::Refusal;
use super::refusal_kind::RefusalKind;
use super::request::Minted;
use super::service::tower_service;
use crate::pep_807::{
    DISCOVERY_PARAMETER, DISCOVERY_PATH, MAX_LIFETIME, MEDIA_TYPE, MIN_LIFETIME, MULTI_USE,
};

/// The media type of problems.
const PROBLEM: &str = "application/problem+json";
/// The path of the endpoints at a host's root. A mount may strip it.
const ROOT: &str = "/_/pytp";
/// The path of the audience below [`ROOT`].
const AUDIENCE: &str = "/audience";
/// The path of the exchange below [`ROOT`].
const MINT: &str = "/mint-token";

/// The endpoints of the **draft** of PEP 807 as a tower service, to be mounted at `/.well-known/pytp` and at
/// `/_/pytp` of the host that takes the uploads at `upload`. The mount may strip `/_/pytp`. The service may
/// change with the draft; see [`pep_807`](crate::pep_807).
///
/// | request | answer |
/// |---|---|
/// | `GET /.well-known/pytp?discover=PATH` | `{"audience-endpoint", "token-mint-endpoint", "features", "default-features"}` for the upload URL's path, 404 for any other |
/// | `GET /_/pytp/audience` | `{"audience"}`, the verifier's first |
/// | `POST /_/pytp/mint-token` | `{"token", "expires"}`, for every project with a publisher that accepts the identity |
///
/// It can be served together with [`pypi`](super::pypi) over the same exchange; only the form of requests and
/// answers differs. The URLs of the endpoints are derived from `upload` and never from a request's `Host`.
/// Tokens are valid for several uploads, and no other feature can be requested. Every refusal is a problem
/// (RFC 9457) with the member `code` in addition to the standard ones. The draft does not assign the statuses; they are chosen here:
///
/// | [`RefusalKind`], or another refusal | status |
/// |---|---|
/// | `Malformed`, `NoToken` | 400 |
/// | `InvalidToken`, `AlreadyUsed`, `NotTrusted`, `RuleDiffers` | 403 |
/// | `Internal` | 500 |
/// | `KeysUnavailable` | 503 |
/// | a path, or an upload URL, that is not served | 404 |
/// | another method | 405 |
/// | an `Accept` that excludes the draft's media type | 406 |
///
/// # Errors
///
/// When the lifetime of the exchange's tokens is outside the draft's bounds.
pub fn pep_807(exchange: Exchange, upload: &HttpUrl) -> Result<Pep807Tokens, InvalidLifetime> {
    let lifetime = exchange.lifetime();
    if lifetime < MIN_LIFETIME || MAX_LIFETIME < lifetime {
        return Err(InvalidLifetime(lifetime.as_secs()));
    }
    Ok(Pep807Tokens { exchange, upload: upload.clone() })
}

/// An error of publish tokens whose lifetime is outside PEP 807's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "publish tokens live {0} s, and the draft of PEP 807 asks for {min} to {max} s",
    min = MIN_LIFETIME.as_secs(),
    max = MAX_LIFETIME.as_secs()
)]
pub struct InvalidLifetime(u64);

/// The service of [`pep_807`].
#[derive(Clone, Debug)]
pub struct Pep807Tokens {
    exchange: Exchange,
    upload: HttpUrl,
}

tower_service!(Pep807Tokens, answer);

async fn answer(tokens: &Pep807Tokens, request: Request<RequestBody>) -> Response<AnswerBody> {
    let Some(endpoint) = Endpoint::parse(request.uri().path()) else {
        return problem(StatusCode::NOT_FOUND, "no-such-endpoint", "there is no such endpoint");
    };
    let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
    match endpoint {
        Endpoint::Mint if request.method() != Method::POST => {
            allowing("POST", problem(StatusCode::METHOD_NOT_ALLOWED, "method", "tokens are made by POST"))
        }
        Endpoint::Discovery | Endpoint::Audience if !is_read => {
            allowing("GET", problem(StatusCode::METHOD_NOT_ALLOWED, "method", "this is read"))
        }
        _ if !accepts(request.headers()) => {
            let detail = format!("answers are `{MEDIA_TYPE}`; accept that");
            problem(StatusCode::NOT_ACCEPTABLE, "not-acceptable", &detail)
        }
        Endpoint::Discovery => tokens.discovery(request.uri().query().unwrap_or_default()),
        Endpoint::Audience => tokens.audience(),
        Endpoint::Mint => match tokens.mint(request.into_body()).await {
            Ok(minted) => success(&minted_body(&minted)),
            Err(refusal) => refused(&refusal),
        },
    }
}

/// The endpoint of a path, wherever the service is mounted.
#[derive(Clone, Copy)]
enum Endpoint {
    Discovery,
    Audience,
    Mint,
}

impl Endpoint {
    fn parse(path: &str) -> Option<Self> {
        if path.ends_with(DISCOVERY_PATH) {
            return Some(Self::Discovery);
        }
        match path.split_once(ROOT).map_or(path, |(_, below)| below) {
            AUDIENCE => Some(Self::Audience),
            MINT => Some(Self::Mint),
            _ => None,
        }
    }
}

impl Pep807Tokens {
    fn discovery(&self, query: &str) -> Response<AnswerBody> {
        let mut asked = form_urlencoded::parse(query.as_bytes())
            .filter_map(|(name, path)| (name == DISCOVERY_PARAMETER).then_some(path));
        let (Some(path), None) = (asked.next(), asked.next()) else {
            let detail = "the query has not one `discover` with the upload URL's path, percent-encoded";
            return problem(StatusCode::BAD_REQUEST, RefusalKind::Malformed.as_str(), detail);
        };
        if path.trim_end_matches('/') != self.upload.path().trim_end_matches('/') {
            return problem(StatusCode::NOT_FOUND, "no-such-index", "no uploads are taken at this path");
        }
        success(&json!({
            "audience-endpoint": self.endpoint(AUDIENCE),
            "token-mint-endpoint": self.endpoint(MINT),
            "features": [MULTI_USE],
            "default-features": [MULTI_USE],
        }))
    }

    /// The URL of an endpoint.
    fn endpoint(&self, path: &str) -> String {
        self.upload.at_root().below(&format!("{ROOT}{path}")).as_str().to_owned()
    }

    fn audience(&self) -> Response<AnswerBody> {
        match self.exchange.verifier().audiences().first() {
            Some(audience) => success(&json!({ "audience": audience.as_str() })),
            None => problem(StatusCode::NOT_FOUND, "no-audience", "the index has no audience"),
        }
    }

    async fn mint(&self, body: RequestBody) -> Result<Minted, Refusal> {
        let clock = self.exchange.verifier().context().clock();
        let asked = document(body, clock).await.and_then(|document| {
            has_only_known_features(&document)?;
            document.text("token")
        });
        exchange_asked(&self.exchange, &identity_request(), asked).await
    }
}

/// Returns `true` if the request accepts the draft's media type, or has no `Accept`.
fn accepts(headers: &HeaderMap) -> bool {
    let is_ours = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let weight =
            |parameter: &str| parameter.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        let is_refused = parts.any(|parameter| weight(parameter).is_some_and(|weight| weight <= 0.0));
        let is_named =
            [MEDIA_TYPE, "application/*", "*/*"].iter().any(|ours| essence.eq_ignore_ascii_case(ours));
        is_named && !is_refused
    };
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    values.peek().is_none()
        || values.any(|value| value.to_str().is_ok_and(|text| text.split(',').any(is_ours)))
}

fn has_only_known_features(document: &Document) -> Result<(), Refusal> {
    if !document.has("features") {
        return Ok(());
    }
    let features: Option<Vec<String>> = document.value("features");
    if features.is_some_and(|features| !features.is_empty() && features.iter().all(|one| one == MULTI_USE)) {
        return Ok(());
    }
    Err(Refusal::malformed(format!("`features` asks for what there is not; there is `{MULTI_USE}`")))
}

fn minted_body(minted: &Minted) -> Value {
    json!({ "token": minted.token.expose(), "expires": minted.expires_at.as_secs() })
}

fn success(body: &Value) -> Response<AnswerBody> {
    of_type(MEDIA_TYPE, json(StatusCode::OK, body))
}

fn refused(refusal: &Refusal) -> Response<AnswerBody> {
    let status = match refusal.kind() {
        RefusalKind::Malformed | RefusalKind::NoToken => StatusCode::BAD_REQUEST,
        RefusalKind::KeysUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::FORBIDDEN,
    };
    let shape = shape(status, refusal.kind().as_str(), &refusal.to_string());
    of_type(PROBLEM, explained(status, shape, refusal))
}

/// A problem without a type of its own, whose title is therefore that of its status (RFC 9457, section
/// 4.2.1), with a code for programs.
fn problem(status: StatusCode, code: &str, detail: &str) -> Response<AnswerBody> {
    of_type(PROBLEM, json(status, &shape(status, code, detail)))
}

fn shape(status: StatusCode, code: &str, detail: &str) -> Value {
    let title = status.canonical_reason().unwrap_or_default();
    json!({ "title": title, "status": status.as_u16(), "detail": detail, "code": code })
}

fn of_type(media_type: &'static str, mut answer: Response<AnswerBody>) -> Response<AnswerBody> {
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}
