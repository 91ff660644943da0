//! The metadata of an OAuth authorization server (RFC 8414), which tell where tokens are exchanged.

use oidc_core::http::{Response, message_of};
use oidc_core::{Context, Diagnosis, HttpUrl, Target, shown};
use serde::Deserialize;

use super::error::{ExchangeError, ExchangeErrorKind};
use super::wire;
use crate::codes;
use crate::token_exchange::{GRANT_TYPE, issuer, metadata_url};

/// The members of the metadata that an exchange needs.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    token_endpoint: String,
    grant_types_supported: Option<Vec<String>>,
}

/// Asks the registry for its token endpoint, which has the registry's own origin.
pub(super) async fn token_endpoint(registry: &HttpUrl, cx: &Context) -> Result<HttpUrl, ExchangeError> {
    let url = metadata_url(registry);
    let answer = cx.send(wire::asking(url.clone(), wire::JSON)).await;
    let answer = answer.map_err(|error| ExchangeError::no_reply(&url, error))?;
    if !answer.is_success() {
        return Err(without_metadata(&url, &answer));
    }
    let metadata: Metadata =
        wire::read(&url, &answer, "the registry's metadata tell no `issuer` and `token_endpoint`")?;
    // Section 3.3: metadata of another issuer are not used.
    if metadata.issuer.trim_end_matches('/') != issuer(registry) {
        return Err(of_other_issuer(registry, &url, &metadata.issuer));
    }
    // Servers for token exchange alone leave the member out, although its default does not contain the grant.
    if metadata.grant_types_supported.is_some_and(|grants| !grants.iter().any(|one| one == GRANT_TYPE)) {
        return Err(without_grant(&url));
    }
    registry
        .own(&metadata.token_endpoint)
        .map_err(|error| ExchangeError::foreign(&url, "token_endpoint", &error))
}

fn without_metadata(url: &HttpUrl, answer: &Response) -> ExchangeError {
    let message = message_of(answer);
    let status = answer.status;
    let says = message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
    let problem = format!("the registry tells no token endpoint (RFC 8414), status {status}{says}");
    let diagnosis = discovery(url, problem).fix(
        "check the registry's URL, which is the issuer of its authorization server, or name the token endpoint itself",
    );
    ExchangeError::new(ExchangeErrorKind::Rejected { status, message }, diagnosis)
}

fn of_other_issuer(registry: &HttpUrl, url: &HttpUrl, found: &str) -> ExchangeError {
    let problem = "the registry's metadata are those of another issuer (RFC 8414, section 3.3)";
    let diagnosis = discovery(url, problem.to_owned())
        .found(shown(found).to_string())
        .expected(issuer(registry))
        .fix("name the registry by the URL that its metadata have as `issuer`");
    ExchangeError::new(ExchangeErrorKind::InvalidAnswer, diagnosis)
}

fn without_grant(url: &HttpUrl) -> ExchangeError {
    let problem = "the registry's authorization server exchanges no tokens".to_owned();
    let diagnosis = discovery(url, problem)
        .expected(format!("`{GRANT_TYPE}` among `grant_types_supported`"))
        .fix("use another credential, or ask the registry's operator for token exchange (RFC 8693)");
    ExchangeError::new(ExchangeErrorKind::Unsupported, diagnosis)
}

fn discovery(url: &HttpUrl, problem: String) -> Diagnosis {
    Diagnosis::new(codes::REGISTRY_DISCOVERY, Target::Url(url.to_string()), problem)
}
