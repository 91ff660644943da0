use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, RegistryRules, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::demand::TrustedPlatform;
use super::diagnose::{Diagnose, ProtocolFacts};
use super::error::ExchangeError;
use super::known::{KnownRefusal, USED};
use super::links;
use super::protocol::Protocol;
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::static_credentials::{CredentialFile, StaticCredentials};
use super::token::PublishToken;
use super::wire::{self, ExchangeCall};
use crate::pypi::{AUDIENCE_PATH, BURN_PATH, MINT_PATH, TOKEN_VARIABLE};

/// The URL at which the public index takes uploads.
const PUBLIC: &str = "https://upload.pypi.org/legacy/";

/// The static credentials of twine, uv, and other tools that upload to PyPI.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "pypi",
    &[
        "TWINE_PASSWORD",
        "UV_PUBLISH_TOKEN",
        "UV_PUBLISH_PASSWORD",
        "MATURIN_PYPI_TOKEN",
        "POETRY_PYPI_TOKEN_PYPI",
        "PDM_PUBLISH_PASSWORD",
        "HATCH_INDEX_AUTH",
        "FLIT_PASSWORD",
    ],
    &[CredentialFile::new(".pypirc", &["password"])],
    "remove the API token on PyPI, under the account's settings",
);

/// Refusals of PyPI, by warehouse's source.
static KNOWN_REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_token(
        "project already exists",
        "run the publish again: a pending publisher of the same project was found first, and PyPI removes it with this refusal",
    ),
    KnownRefusal::of_token("already used", USED),
];

/// The rules of PyPI, by warehouse's source: it accepts a called workflow of the publisher's own repository
/// at the run's own ref or commit.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Called);

/// The protocol of PyPI, also of indexes that support PEP 807 as well.
pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&[TOKEN_VARIABLE]).lifetime_in_minutes(15).known_refusals(KNOWN_REFUSALS);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::PYPI, RULES, STATIC_CREDENTIALS)
    .url_variables(URL_VARIABLES)
    .platforms(PLATFORMS);

/// The variables of twine, uv, maturin, flit, hatch and PDM.
const URL_VARIABLES: &[&str] = &[
    "TWINE_REPOSITORY_URL",
    "UV_PUBLISH_URL",
    "MATURIN_REPOSITORY_URL",
    "FLIT_INDEX_URL",
    "HATCH_INDEX_REPO",
    "PDM_PUBLISH_REPO",
];

/// The platforms of PyPI. Self-managed GitLab instances are trusted for the organizations that PyPI's staff
/// registered them for.
const PLATFORMS: &[TrustedPlatform] = &[
    TrustedPlatform::public("github"),
    TrustedPlatform::registered("gitlab"),
    TrustedPlatform::public("google"),
    TrustedPlatform::public("activestate"),
];

/// An index of Python projects that speaks PyPI's protocol.
///
/// The endpoints are at the root of the host that takes the uploads, whatever the upload's path is, as uv and
/// twine request them. A token is for every project that trusts the job's identity.
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

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for Pypi {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(&self.url, scope)
    }

    /// Asks the index for its audience. An audience that belongs to another party is an error.
    async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError> {
        wire::audience(&self.url, self.endpoint(AUDIENCE_PATH), cx).await
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let call = ExchangeCall::new(self, self.endpoint(MINT_PATH), request, cx)?;
        let minted: Minted = call.ask(call.with_member("token")).await?;
        let expires_at = minted.expires_at();
        call.granted("token", minted.token, expires_at)
    }

    /// Revokes the token, where the index can: PyPI can since 2026. The answer is the same for every token.
    async fn revoke(&self, token: &PublishToken, cx: &Context) -> Result<bool, ExchangeError> {
        let body = json!({ "token": token.secret().expose() }).to_string();
        let request = Request::post(self.endpoint(BURN_PATH)).body("application/json", body);
        match wire::end(request, token, cx).await {
            Err(error) if error.is_not_found() => Ok(false),
            ended => ended,
        }
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Diagnose for Pypi {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }

    /// Makes a request to the upload URL itself. PyPI answers a GET with a page for people, and other indexes
    /// with an error.
    fn probe(&self) -> Request {
        Request::get(self.url.clone())
    }

    fn is_there(&self, status: u16) -> bool {
        status != 404
    }
}

/// The answer to an exchange. `expires` is in seconds since the epoch.
#[derive(Deserialize)]
pub(super) struct Minted {
    pub(super) token: Option<String>,
    expires: Option<Value>,
}

impl Minted {
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        self.expires.as_ref().and_then(Value::as_u64).map(Timestamp::from_secs)
    }
}
