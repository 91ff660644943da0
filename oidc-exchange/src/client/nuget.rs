use std::borrow::Cow;

use async_trait::async_trait;
use oidc_core::{
    Audience, ComparedCase, ComparedWorkflow, Context, HttpUrl, InvalidAudience, InvalidUrl, RegistryRules,
};
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

/// The public registry.
const PUBLIC: &str = "https://www.nuget.org/";

/// The host of the package source that dotnet and nuget are configured with. It makes no tokens.
const SOURCE_HOST: &str = "api.nuget.org";

/// The path that makes publish tokens.
const TOKEN_PATH: &str = "/api/v2/token";

/// The text in a `NuGet.Config` that shows that it holds API keys.
const KEYS: &[&str] = &["<apikeys>"];

/// The files in which `nuget` keeps API keys, by Microsoft's documentation of `nuget setapikey`. Scripts call
/// the key `NUGET_API_KEY` by convention. This is not among the collected facts, and uncertain.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "nuget",
    &["NUGET_API_KEY"],
    &[
        CredentialFile::marked("NuGet.Config", ".nuget/NuGet/", KEYS),
        CredentialFile::marked("NuGet.Config", ".config/NuGet/", KEYS),
        CredentialFile::marked("nuget.config", ".nuget/", KEYS).also_in_job(),
    ],
    "delete the API key on nuget.org, under the account's settings",
);

/// Refusals of nuget.org, by `NuGetGallery`'s source: policies are found by the account that made them.
static KNOWN_REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_publisher("trust policy owned by user", POLICY_CREATOR),
    KnownRefusal::of_publisher("directly for organizations", POLICY_CREATOR),
    KnownRefusal::of_token("already been used", USED),
];

/// The rules of nuget.org, by `NuGetGallery`'s source: it accepts a called workflow of the publisher's own
/// repository at any ref, and ignores the case of letters.
const RULES: RegistryRules =
    RegistryRules::comparing(ComparedWorkflow::CalledAtAnyRef).case(ComparedCase::Ignored);

pub(super) static PROTOCOL: Protocol = Protocol::new()
    .token_variables(&["NUGET_ID_TOKEN"])
    .lifetime_in_minutes(15)
    .known_refusals(KNOWN_REFUSALS);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::NUGET, RULES, STATIC_CREDENTIALS)
    .platforms(&[TrustedPlatform::public("github"), TrustedPlatform::public("gitlab")]);

const POLICY_CREATOR: &str = "name the nuget.org account that created the policy (`user` of `NuGet/login`), not the organization \
                              or account that owns the package; if it is that one, compare the policy's repository owner, \
                              repository, workflow file and environment with this job, and see that the policy did not lapse";

/// nuget.org's registry.
///
/// A policy belongs to an account and not to a package, so the exchange names the account that made it. A
/// token is for the packages that the policy covers, and lives 15 to 20 minutes. The protocol is that of
/// `NuGet/login` and of `NuGetGallery`'s source, tested with recorded answers; no such registry can be run
/// here.
#[derive(Clone, Debug)]
pub struct NuGet {
    url: HttpUrl,
    user: String,
    user_setting: Option<Cow<'static, str>>,
}

impl NuGet {
    /// The public registry's URL.
    pub const PUBLIC_URL: &'static str = PUBLIC;

    /// The registry at this URL: its web site, or the package source that its tools are configured with
    /// (`https://api.nuget.org/v3/index.json`).
    ///
    /// `user` is the account that made the policy.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http is allowed on loopback), or holds credentials.
    pub fn at(url: &str, user: impl Into<String>) -> Result<Self, InvalidUrl> {
        Ok(Self::from_url(HttpUrl::parse(url)?, user))
    }

    /// The registry at a parsed URL, such as one whose plain http the user allowed
    /// ([`HttpUrl::allowing_plain_http`]).
    ///
    /// `user` is the account that made the policy.
    pub fn from_url(url: HttpUrl, user: impl Into<String>) -> Self {
        if url.host() == SOURCE_HOST {
            return Self::public(user);
        }
        Self { url, user: user.into(), user_setting: None }
    }

    /// The public registry.
    ///
    /// `user` is the account that made the policy.
    pub fn public(user: impl Into<String>) -> Self {
        Self { url: const { HttpUrl::constant(PUBLIC) }, user: user.into(), user_setting: None }
    }

    /// Sets the words by which a user of the application names the account, such as `--user NAME`, for the fix where
    /// the account made no policy.
    #[must_use]
    pub fn with_user_setting(mut self, words: impl Into<Cow<'static, str>>) -> Self {
        self.user_setting = Some(words.into());
        self
    }

    /// Adds to the refusal of an account that made no policy the way to name another account.
    fn naming_setting(&self, error: ExchangeError) -> ExchangeError {
        let is_about_user = error.known_refusal().is_some_and(|known| known.fix() == POLICY_CREATOR);
        match &self.user_setting {
            Some(words) if is_about_user => error.fixed_also_by(&format!("`{words}` names the account")),
            _ => error,
        }
    }

    fn own_audience(&self) -> Result<Audience, InvalidAudience> {
        Audience::new(self.url.origin())
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for NuGet {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(&self.url, scope)
    }

    /// Returns the registry's origin: `https://www.nuget.org`.
    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, self.own_audience())
    }

    fn is_own_audience(&self, audience: &Audience) -> bool {
        self.own_audience().is_ok_and(|own| own == *audience)
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let call = ExchangeCall::new(self, self.url.at_root().below(TOKEN_PATH), request, cx)?;
        let body = json!({ "username": self.user, "tokenType": "ApiKey" });
        let exchanged: Exchanged =
            call.ask(call.with_bearer(&body)).await.map_err(|error| self.naming_setting(error))?;
        call.granted("apiKey", exchanged.api_key, wire::time(exchanged.expires.as_ref()))
    }
}

impl Diagnose for NuGet {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    #[serde(rename = "apiKey")]
    api_key: Option<String>,
    expires: Option<Value>,
}
