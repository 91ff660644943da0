use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, IdToken, RegistryRules, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::doctor::{OldFile, OldWay};
use super::known::USED;
use super::wire::{self, Call};
use super::{
    Everything, ExchangeError, Granted, KnownRefusal, Protocol, PublishToken, Registry, TrustedPlatform,
    links,
};
use crate::pypi::{AUDIENCE_PATH, BURN_PATH, MINT_PATH, TOKEN_VARIABLE};

/// Where the public index takes uploads.
const PUBLIC: &str = "https://upload.pypi.org/legacy/";

/// twine, uv, and others that upload to PyPI.
pub(super) static OLD_WAY: OldWay = OldWay {
    ecosystem: "pypi",
    variables: &[
        "TWINE_PASSWORD",
        "UV_PUBLISH_TOKEN",
        "UV_PUBLISH_PASSWORD",
        "MATURIN_PYPI_TOKEN",
        "POETRY_PYPI_TOKEN_PYPI",
        "PDM_PUBLISH_PASSWORD",
        "HATCH_INDEX_AUTH",
        "FLIT_PASSWORD",
    ],
    variables_around: None,
    files: &[OldFile::new(".pypirc", &["password"])],
    public: PUBLIC,
    link: links::PYPI,
    last_step: "remove the API token on PyPI, under the account's settings",
};

/// Of PyPI's words, by warehouse's source.
pub(super) static KNOWN_REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_token(
        "project already exists",
        "run the publish again: a pending publisher of the same project was found first, and PyPI removes it with this refusal",
    ),
    KnownRefusal::of_token("already used", USED),
];

/// By warehouse's source, which takes a called workflow of the publisher's own repository at the run's own ref or commit.
pub(super) const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Called);

pub(super) static PROTOCOL: Protocol = Protocol::new(&OLD_WAY, RULES)
    .token_variables(&[TOKEN_VARIABLE])
    .url_variables(URL_VARIABLES)
    .lifetime_in_minutes(15)
    .known_refusals(KNOWN_REFUSALS)
    .platforms(PLATFORMS);

/// Those of twine, uv, maturin, flit, hatch and PDM.
pub(super) const URL_VARIABLES: &[&str] = &[
    "TWINE_REPOSITORY_URL",
    "UV_PUBLISH_URL",
    "MATURIN_REPOSITORY_URL",
    "FLIT_INDEX_URL",
    "HATCH_INDEX_REPO",
    "PDM_PUBLISH_REPO",
];

/// Self-managed GitLab instances are trusted for organizations that PyPI's staff registered them for.
pub(super) const PLATFORMS: &[TrustedPlatform] = &[
    TrustedPlatform::public("github"),
    TrustedPlatform::registered("gitlab"),
    TrustedPlatform::public("google"),
    TrustedPlatform::public("activestate"),
];

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

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    /// Asks the index, which tells it. One that is another party's is an error.
    async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError> {
        wire::told(&self.url, self.endpoint(AUDIENCE_PATH), cx).await
    }

    async fn exchange(&self, token: &IdToken, package: Everything, cx: &Context) -> Granted<Everything> {
        let call = Call::new(self, self.endpoint(MINT_PATH), token, package, cx);
        let minted: Minted = call.ask(call.with_member("token")).await?;
        let expires_at = minted.expires_at();
        call.granted("token", minted.token, expires_at)
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
pub(super) struct Minted {
    pub(super) token: Option<String>,
    expires: Option<Value>,
}

impl Minted {
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        self.expires.as_ref().and_then(Value::as_u64).map(Timestamp::from_secs)
    }
}
