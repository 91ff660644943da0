use std::borrow::Cow;

use http::header::{CONTENT_TYPE, PRAGMA};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use oidc_core::{Clock, HttpUrl};
use serde_json::json;

use super::body::{AnswerBody, RequestBody};
use super::exchange::Exchange;
use super::http::{allowing, exchange_asked, explained, json, read};
use super::refusal::Refusal;
use super::refusal_kind::RefusalKind;
use super::request::{ExchangeRequest, Minted};
use super::service::tower_service;
use crate::token_exchange::{
    ACCESS_TOKEN_TYPE, GRANT_TYPE, ID_TOKEN_TYPE, JWT_TYPE, METADATA_PATH, TOKEN_PATH, issuer,
};

/// OAuth 2.0 token exchange (RFC 8693) as a tower service, for the registry at `url` and one ecosystem of its store.
/// To be mounted, with its whole path, at [`metadata_url`](crate::token_exchange::metadata_url) of `url` and at
/// [`TOKEN_PATH`] below `url`.
///
/// | request | answer |
/// |---|---|
/// | `GET /.well-known/oauth-authorization-server` | the metadata (RFC 8414): `issuer` (`url` without a slash at its end), `token_endpoint`, `grant_types_supported` |
/// | `POST /oauth/token`, a form | `{"access_token", "issued_token_type", "token_type", "expires_in"}`, for every package with a publisher that accepts the identity |
///
/// The form has `grant_type`, `subject_token` and `subject_token_type` (an ID token or a JWT). `audience` and `resource`
/// may name the registry itself; there are no scopes, no actors, and no authentication of clients: an `Authorization` header, such as one for
/// a proxy before the registry, and a client's own parameters (`client_id`, `client_secret`, `client_assertion`) are not read.
/// URLs are derived from `url` and never from a request's `Host`.
///
/// A refusal is `{"error", "error_description"}` (RFC 6749, section 5.2; for a subject token that is not accepted, RFC 8693, section
/// 2.2.2):
///
/// | [`RefusalKind`] | status | `error` |
/// |---|---|---|
/// | `Malformed` | 400 | `invalid_request`, `unsupported_grant_type`, `invalid_scope` or `invalid_target` |
/// | `NoToken`, `InvalidToken`, `AlreadyUsed`, `NotTrusted`, `RuleDiffers` | 400 | `invalid_request` |
/// | `Internal` | 500, an addition | `server_error` |
/// | `KeysUnavailable` | 503, an addition | `temporarily_unavailable` |
///
/// ```
/// use oidc_core::HttpUrl;
/// use oidc_exchange::server::{self, Exchange};
/// use oidc_exchange::token_exchange::{METADATA_PATH, TOKEN_PATH};
///
/// # fn example(exchange: Exchange) -> Result<(), oidc_core::InvalidUrl> {
/// let url = HttpUrl::parse("https://registry.example/")?;
/// let endpoint = server::token_exchange(exchange, "models", &url);
/// for path in [METADATA_PATH, TOKEN_PATH] {
///     // With axum: `router = router.route_service(path, endpoint.clone());`
///     # let _ = (path, endpoint.clone());
/// }
/// # Ok(())
/// # }
/// ```
pub fn token_exchange(exchange: Exchange, ecosystem: &'static str, url: &HttpUrl) -> TokenExchangeEndpoint {
    TokenExchangeEndpoint { exchange, ecosystem, url: url.clone() }
}

/// The service of [`token_exchange`].
#[derive(Clone, Debug)]
pub struct TokenExchangeEndpoint {
    exchange: Exchange,
    ecosystem: &'static str,
    url: HttpUrl,
}

tower_service!(TokenExchangeEndpoint, answer);

async fn answer(endpoint: &TokenExchangeEndpoint, request: Request<RequestBody>) -> Response<AnswerBody> {
    let path = request.uri().path();
    let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
    if path.starts_with(METADATA_PATH) {
        return if is_read { endpoint.metadata() } else { wrong_method("GET") };
    }
    if !path.ends_with(TOKEN_PATH) {
        return error(StatusCode::NOT_FOUND, "invalid_request", "there is no such endpoint");
    }
    if request.method() != Method::POST {
        return uncached(wrong_method("POST"));
    }
    let (parts, body) = request.into_parts();
    uncached(match endpoint.mint(&parts.headers, body).await {
        Ok(minted) => json(StatusCode::OK, &success(&minted)),
        Err((code, refusal)) => refused(code, &refusal),
    })
}

/// Adds the header that RFC 6749 (section 5.1) requires beside `Cache-Control`, for caches of HTTP/1.0.
fn uncached(mut answer: Response<AnswerBody>) -> Response<AnswerBody> {
    answer.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    answer
}

/// A fault of a request, with its code of RFC 6749.
struct Fault {
    code: &'static str,
    what: String,
    refusal: fn(String) -> Refusal,
}

impl TokenExchangeEndpoint {
    fn metadata(&self) -> Response<AnswerBody> {
        let metadata = json!({
            "issuer": issuer(&self.url),
            "token_endpoint": self.url.below(TOKEN_PATH).as_str(),
            "grant_types_supported": [GRANT_TYPE],
            "token_endpoint_auth_methods_supported": ["none"],
            // Required by RFC 8414; there is no authorization endpoint.
            "response_types_supported": [],
        });
        json(StatusCode::OK, &metadata)
    }

    async fn mint(&self, headers: &HeaderMap, body: RequestBody) -> Result<Minted, (&'static str, Refusal)> {
        let request = ExchangeRequest::identity(self.ecosystem);
        let asked = self.asked(headers, body, self.exchange.verifier().context().clock()).await;
        let (code, asked) = match asked {
            Ok(token) => (INVALID_REQUEST, Ok(token)),
            Err(Fault { code, what, refusal }) => (code, Err(refusal(what))),
        };
        exchange_asked(&self.exchange, &request, asked).await.map_err(|refusal| (code, refusal))
    }

    /// Returns the subject token of a form that asks for what there is.
    async fn asked(
        &self,
        headers: &HeaderMap,
        body: RequestBody,
        clock: &dyn Clock,
    ) -> Result<String, Fault> {
        if !is_form(headers) {
            let what = "expected a request with `Content-Type: application/x-www-form-urlencoded`";
            return Err(malformed(what));
        }
        let body = read(body, clock).await.map_err(|refusal| malformed(refusal.to_string()))?;
        let form = Form(form_urlencoded::parse(&body).collect());
        match form.one("grant_type")? {
            Some(GRANT_TYPE) => {}
            Some(_) => {
                return Err(coded("unsupported_grant_type", format!("`grant_type` is not `{GRANT_TYPE}`")));
            }
            None => return Err(malformed(format!("there is no `grant_type`; expected `{GRANT_TYPE}`"))),
        }
        form.check_types()?;
        self.check_target(&form)?;
        match form.one("subject_token")? {
            Some(token) => Ok(token.to_owned()),
            None => {
                let what = "there is no `subject_token`".to_owned();
                Err(Fault { code: INVALID_REQUEST, what, refusal: Refusal::no_token })
            }
        }
    }

    /// Returns `true` if an `audience` or a `resource` is this registry.
    fn is_own(&self, name: &str, value: &str) -> bool {
        match name {
            "audience" => self.exchange.verifier().audiences().iter().any(|own| own.as_str() == value),
            _ => value.strip_suffix('/').unwrap_or(value) == issuer(&self.url),
        }
    }

    /// Checks that a request names no other party as the one that the token is for.
    fn check_target(&self, form: &Form<'_>) -> Result<(), Fault> {
        let names = ["audience", "resource"].into_iter();
        let mut targets = names.flat_map(|name| form.all(name).map(move |value| (name, value)));
        if let Some((name, _)) = targets.find(|(name, value)| !self.is_own(name, value)) {
            let what = format!("`{name}` is not this registry; leave it out");
            return Err(coded("invalid_target", what));
        }
        if form.one("scope")?.is_some() {
            let what = "there are no scopes; a token is for every package of the identity";
            return Err(coded("invalid_scope", what));
        }
        Ok(())
    }
}

/// The parameters of a request.
struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl Form<'_> {
    fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        // A parameter without a value is treated as left out (RFC 6749, section 3.2).
        self.0
            .iter()
            .filter(move |(found, value)| found == name && !value.is_empty())
            .map(|(_, value)| &**value)
    }

    /// Returns the value of a parameter that stands there once at most.
    fn one<'f>(&'f self, name: &'f str) -> Result<Option<&'f str>, Fault> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(malformed(format!("`{name}` stands there more than once"))),
            (value, None) => Ok(value),
        }
    }

    fn check_types(&self) -> Result<(), Fault> {
        if !matches!(self.one("subject_token_type")?, Some(ID_TOKEN_TYPE | JWT_TYPE)) {
            return Err(malformed(format!("`subject_token_type` is not `{ID_TOKEN_TYPE}`")));
        }
        if self.one("requested_token_type")?.is_some_and(|kind| kind != ACCESS_TOKEN_TYPE) {
            return Err(malformed(format!(
                "`requested_token_type` is not `{ACCESS_TOKEN_TYPE}`; leave it out"
            )));
        }
        for actor in ["actor_token", "actor_token_type"] {
            if self.one(actor)?.is_some() {
                return Err(malformed(format!(
                    "there is an `{actor}`, and no job acts for another party here"
                )));
            }
        }
        Ok(())
    }
}

/// The code of a request that is not valid, or whose subject token is not accepted.
const INVALID_REQUEST: &str = "invalid_request";

fn coded(code: &'static str, what: impl Into<String>) -> Fault {
    Fault { code, what: what.into(), refusal: Refusal::malformed }
}

fn malformed(what: impl Into<String>) -> Fault {
    coded(INVALID_REQUEST, what)
}

fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let value = value.to_str().ok();
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn success(minted: &Minted) -> serde_json::Value {
    json!({
        "access_token": minted.token.expose(),
        "issued_token_type": ACCESS_TOKEN_TYPE,
        "token_type": "Bearer",
        "expires_in": minted.expires_at.since(minted.created_at).as_secs(),
    })
}

fn refused(code: &'static str, refusal: &Refusal) -> Response<AnswerBody> {
    let (status, code) = match refusal.kind() {
        RefusalKind::KeysUnavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        RefusalKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        _ => (StatusCode::BAD_REQUEST, code),
    };
    explained(status, shape(code, &refusal.to_string()), refusal)
}

fn wrong_method(methods: &'static str) -> Response<AnswerBody> {
    allowing(methods, error(StatusCode::METHOD_NOT_ALLOWED, INVALID_REQUEST, "expected another method"))
}

fn error(status: StatusCode, code: &str, description: &str) -> Response<AnswerBody> {
    json(status, &shape(code, description))
}

/// A description has no characters beyond ASCII, no `"` and no `\` (RFC 6749, section 5.2).
fn shape(code: &str, description: &str) -> serde_json::Value {
    let allowed = |c: char| match c {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => c,
        _ => '?',
    };
    let description: String = description.chars().map(allowed).collect();
    json!({ "error": code, "error_description": description })
}
