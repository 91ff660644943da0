use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{Audience, Context, HttpUrl, IdToken, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::doctor::{OldWay, PYPI};
use super::wire::{self, Call};
use super::{Everything, ExchangeError, PublishToken, Registry};
use crate::pypi::{AUDIENCE_PATH, BURN_PATH, MINT_PATH, TOKEN_VARIABLE};

/// Where the public index takes uploads.
const PUBLIC: &str = "https://upload.pypi.org/legacy/";

/// An index of Python projects that speaks PyPI's protocol.
///
/// The endpoints are at the root of the host that takes the uploads, whatever the upload's path, as uv and twine ask for
/// them. A token is for every project that trusts the job's identity.
#[derive(Clone, Debug)]
pub struct Pypi {
    url: HttpUrl,
}

wire::at_url!(Pypi, PUBLIC);

impl Pypi {
    fn endpoint(&self, path: &str) -> HttpUrl {
        self.url.at_root().below(path)
    }
}

#[async_trait]
impl Registry for Pypi {
    type Package = Everything;

    fn url(&self) -> &HttpUrl {
        &self.url
    }

    /// Uploads are taken at the URL itself. PyPI answers a GET with a page for people, other indexes that it is none.
    fn probe(&self) -> Request {
        Request::get(self.url.clone())
    }

    fn is_there(&self, status: u16) -> bool {
        status != 404
    }

    fn old_way(&self) -> &'static OldWay {
        &PYPI
    }

    fn token_variables(&self) -> &[&str] {
        &[TOKEN_VARIABLE]
    }

    /// Asks the index, which tells it.
    async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError> {
        wire::told(self.endpoint(AUDIENCE_PATH), cx).await
    }

    async fn exchange(
        &self,
        token: &IdToken,
        package: Everything,
        cx: &Context,
    ) -> Result<PublishToken<Everything>, ExchangeError> {
        let call = Call::new(self.endpoint(MINT_PATH), token, &package, cx);
        let minted: Minted = call.ask(call.with_member("token")).await?;
        let secret = call.secret("token", minted.token)?;
        let expires_at = minted.expires.as_ref().and_then(Value::as_u64).map(Timestamp::from_secs);
        Ok(PublishToken::new(secret, package, expires_at))
    }

    /// Ends the token, where the index can: PyPI does since 2026. The answer is the same for every token.
    async fn revoke(&self, token: &PublishToken<Everything>, cx: &Context) -> Result<bool, ExchangeError> {
        let body = json!({ "token": token.secret.expose() }).to_string();
        let request = Request::post(self.endpoint(BURN_PATH)).body("application/json", body);
        match wire::end(request, token, cx).await {
            Err(error) if error.is_not_found() => Ok(false),
            ended => ended,
        }
    }
}

/// The answer to an exchange. `expires` is in seconds since the epoch.
#[derive(Deserialize)]
struct Minted {
    token: Option<String>,
    expires: Option<Value>,
}
