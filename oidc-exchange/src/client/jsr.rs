use async_trait::async_trait;
use oidc_core::{Audience, Context, HttpUrl, IdToken, InvalidUrl, Secret};
use serde::Serialize;
use serde_json::json;

use super::doctor::OldWay;
use super::{Everything, ExchangeError, PublishToken, Registry, links, wire};

/// The public registry.
const PUBLIC: &str = "https://jsr.io/";

static OLD_WAY: OldWay = OldWay {
    ecosystem: "jsr",
    variables: &["JSR_TOKEN"],
    variables_around: None,
    files: &[],
    link: links::JSR,
    last_step: "revoke the token on jsr.io, under the account's settings",
};

/// JSR, which has no exchange: the identity token itself is sent with the upload, and its audience says what it may do.
///
/// A token uploads exactly the archives that it was asked for with, by their hashes, so that one that leaks is of no use.
/// Nothing of it can be run here: the protocol is that of jsr's and deno's source. Deno asks for one token for every 16
/// packages; an audience of more than 8 KiB is refused here.
#[derive(Clone, Debug)]
pub struct Jsr {
    url: HttpUrl,
    uploads: Vec<JsrUpload>,
}

/// One archive that is to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct JsrUpload {
    permission: &'static str,
    scope: String,
    package: String,
    version: String,
    #[serde(rename = "tarballHash")]
    tarball_hash: String,
}

impl JsrUpload {
    /// Version `version` of `@scope/package`. `tarball_hash` is the archive's, as `sha256-` and 64 hexadecimal digits.
    pub fn new(
        scope: impl Into<String>,
        package: impl Into<String>,
        version: impl Into<String>,
        tarball_hash: impl Into<String>,
    ) -> Self {
        Self {
            permission: "package/publish",
            scope: scope.into(),
            package: package.into(),
            version: version.into(),
            tarball_hash: tarball_hash.into(),
        }
    }
}

impl Jsr {
    /// The registry at this URL, for these uploads.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http on loopback), or holds credentials.
    pub fn at(url: &str, uploads: impl IntoIterator<Item = JsrUpload>) -> Result<Self, InvalidUrl> {
        Ok(Self { url: HttpUrl::parse(url)?, uploads: uploads.into_iter().collect() })
    }

    /// The public registry.
    ///
    /// # Errors
    ///
    /// Never: the URL is a constant of the protocol.
    pub fn public(uploads: impl IntoIterator<Item = JsrUpload>) -> Result<Self, InvalidUrl> {
        Self::at(PUBLIC, uploads)
    }

    /// The value of `Authorization` that an upload is sent with.
    pub fn authorization(token: &PublishToken<Everything>) -> Secret {
        Secret::new(format!("githuboidc {}", token.secret.expose()))
    }
}

#[async_trait]
impl Registry for Jsr {
    type Package = Everything;

    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn old_way(&self) -> &'static OldWay {
        &OLD_WAY
    }

    fn token_variables(&self) -> &[&str] {
        &[]
    }

    /// What the token may do, as JSON.
    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        let audience = Audience::new(json!({ "permissions": self.uploads }).to_string());
        wire::derived(&self.url, audience)
    }

    /// The identity token itself. Nothing is asked.
    async fn exchange(
        &self,
        token: &IdToken,
        package: Everything,
        _cx: &Context,
    ) -> Result<PublishToken<Everything>, ExchangeError> {
        Ok(wire::itself(token, package))
    }
}
