use oidc_core::http::{HttpError, Request, message_of};
use oidc_core::{Context, HttpUrl, InvalidUrl};
use serde_json::json;

use super::Changes;
#[cfg(feature = "cli")]
use super::server::JOB_PATH;
use super::server::{MINT_PATH, MintAnswer, MintRequest};

/// A running issuer gave no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The issuer's URL is not one.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// It did not answer.
    #[error("{}; is ci-issuer running there?", .0.to_text())]
    Http(#[from] HttpError),
    /// It answered something else than a token.
    #[error("{url} answered {status}: {message}; is it ci-issuer?")]
    Answer {
        /// The URL at which the token was requested.
        url: HttpUrl,
        /// The answer's status.
        status: u16,
        /// The text of the answer.
        message: String,
    },
}

/// Asks a running issuer, by its URL, for one more token.
///
/// # Errors
///
/// When the URL is not one, or no issuer answers there with a token.
pub async fn token_of(
    issuer: &str,
    audience: &str,
    changes: &Changes,
    context: &Context,
) -> Result<String, RemoteError> {
    ask(issuer, MINT_PATH, audience, changes, context).await
}

/// Asks a running issuer for a token as its platform's command does, which the issuer's fault may keep from answering.
#[cfg(feature = "cli")]
pub(super) async fn token_of_job(
    issuer: &str,
    audience: &str,
    context: &Context,
) -> Result<String, RemoteError> {
    ask(issuer, JOB_PATH, audience, &Changes::default(), context).await
}

async fn ask(
    issuer: &str,
    path: &str,
    audience: &str,
    changes: &Changes,
    context: &Context,
) -> Result<String, RemoteError> {
    let url = HttpUrl::parse(issuer)?.below(path);
    let request = MintRequest { audience: audience.to_owned(), changes: changes.clone() };
    let request = Request::post(url.clone()).body("application/json", json!(request).to_string());
    let response = context.http().send(request).await?;
    match response.json::<MintAnswer>() {
        Some(answer) if response.is_success() => Ok(answer.token),
        _ => {
            let message = message_of(&response).unwrap_or_else(|| "nothing more".to_owned());
            Err(RemoteError::Answer { url, status: response.status, message })
        }
    }
}
