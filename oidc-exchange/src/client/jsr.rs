use std::str::FromStr;

use async_trait::async_trait;
use oidc_core::{
    Audience, ComparedWorkflow, Context, HttpUrl, InvalidAudience, RegistryRules, Secret, shown,
};
use serde::Serialize;
use serde_json::json;

use super::demand::TrustedPlatform;
use super::diagnose::{Diagnose, ProtocolFacts};
use super::error::ExchangeError;
use super::links;
use super::protocol::Protocol;
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::static_credentials::StaticCredentials;
use super::token::PublishToken;
use super::wire;

/// The public registry.
const PUBLIC: &str = "https://jsr.io/";

/// The longest name or version, in characters. The limit is this crate's.
const MAX_PART: usize = 128;

/// JSR's token is an option of `deno publish` and `jsr publish`; scripts call it `JSR_TOKEN` by convention.
/// This is not among the collected facts, and uncertain.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "jsr",
    &["JSR_TOKEN"],
    &[],
    "revoke the token on jsr.io, under the account's settings",
);

/// The rules of JSR, by its source: a package is linked to a repository by its id, and any workflow of that
/// repository publishes it.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Neither);

pub(super) static PROTOCOL: Protocol = Protocol::new().without_exchange();

/// Uncertain: whether JSR accepts an enterprise's issuer below GitHub's (`include_enterprise_slug`).
/// jsr-io/jsr#1485 reports that it does not; JSR's source has got a rule for such issuers since. They are
/// reported as refused until an acceptance was seen.
pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::JSR, RULES, STATIC_CREDENTIALS)
    .platforms(&[TrustedPlatform::public("github")]);

/// JSR, which has no exchange: the identity token itself is sent with the upload, and its audience tells its
/// permissions.
///
/// A token uploads exactly the archives that it was requested for, by their hashes, so a leaked token is
/// useless. The protocol is that of jsr's and deno's source; no such registry can be run here. Deno requests
/// one token for every 16 packages; an audience of more than 8 KiB is refused here.
#[derive(Clone, Debug)]
pub struct Jsr {
    url: HttpUrl,
    uploads: Vec<JsrUpload>,
}

/// An archive to be uploaded.
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
    /// An upload of version `version` of `@scope/package`. `tarball_hash` is the archive's hash, as `sha256-`
    /// and 64 hexadecimal digits.
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

wire::at_url!(Jsr, PUBLIC, uploads: impl Into<Vec<JsrUpload>>, "`uploads` are the archives that a token may upload.");

impl Jsr {
    /// Returns the value of `Authorization` for an upload.
    pub fn authorization(token: &PublishToken) -> Secret {
        Secret::new(format!("githuboidc {}", token.secret().expose()))
    }

    fn own_audience(&self) -> Result<Audience, InvalidAudience> {
        Audience::new(json!({ "permissions": self.uploads }).to_string())
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for Jsr {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(&self.url, scope)
    }

    /// Returns the permissions of the token, as JSON.
    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, self.own_audience())
    }

    fn is_own_audience(&self, audience: &Audience) -> bool {
        self.own_audience().is_ok_and(|own| own == *audience)
    }

    /// Returns the identity token itself, without sending a request.
    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        _cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        wire::itself(self, request)
    }
}

impl Diagnose for Jsr {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }
}

impl FromStr for JsrUpload {
    type Err = InvalidJsrUpload;

    /// Reads `@scope/package@version#sha256-…`.
    fn from_str(text: &str) -> Result<Self, InvalidJsrUpload> {
        let parts = || {
            let (name, rest) = text.strip_prefix('@')?.split_once('@')?;
            let (scope, package) = name.split_once('/')?;
            let (version, hash) = rest.split_once('#')?;
            Some((scope, package, version, hash))
        };
        let is_name = |part: &str| {
            let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !part.is_empty() && part.len() <= MAX_PART && part.bytes().all(allowed)
        };
        let is_version = |version: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
            !version.is_empty() && version.len() <= MAX_PART && version.bytes().all(allowed)
        };
        let is_hash = |hash: &str| {
            let digits = hash.strip_prefix("sha256-").unwrap_or_default();
            digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        match parts() {
            Some((scope, package, version, hash))
                if is_name(scope) && is_name(package) && is_version(version) && is_hash(hash) =>
            {
                Ok(Self::new(scope, package, version, hash))
            }
            _ => Err(InvalidJsrUpload(text.chars().take(512).collect())),
        }
    }
}

/// A text that is not an upload to JSR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not an upload to JSR: expected `@scope/package@version#sha256-` and 64 hexadecimal digits", shown(.0))]
pub struct InvalidJsrUpload(String);
