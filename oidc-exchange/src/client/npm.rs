use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{
    Audience, ComparedCase, ComparedWorkflow, Context, Diagnosis, HttpUrl, IdToken, InvalidUrl,
    RegistryRules, Severity, Target,
};
use serde::Deserialize;
use serde_json::Value;

use super::demand::{Demand, TrustedPlatform};
use super::diagnose::{AdviceRequest, Diagnose, ProtocolFacts};
use super::error::ExchangeError;
use super::links;
use super::protocol::Protocol;
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::static_credentials::{CredentialFile, StaticCredentials};
use super::token::PublishToken;
use super::wire::{self, ExchangeCall};
use super::{npm_config, npm_tools};
use crate::codes;
use crate::npm::{self, InvalidPackageName, PackageName, Port, TOKEN_VARIABLE};

/// The public registry.
const PUBLIC: &str = "https://registry.npmjs.org/";

/// The path that `npm ping` requests.
const PING_PATH: &str = "-/ping";

/// The static credentials of npm, pnpm and yarn.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "npm",
    &["NODE_AUTH_TOKEN", "NPM_TOKEN", "NPM_AUTH_TOKEN", "YARN_NPM_AUTH_TOKEN", "BUN_CONFIG_TOKEN"],
    &[
        CredentialFile::new(".npmrc", &["_authToken", "_auth", "_password"])
            .at_variable("NPM_CONFIG_USERCONFIG")
            .also_in_job(),
        CredentialFile::new(".yarnrc.yml", &["npmAuthToken", "npmAuthIdent"]).also_in_job(),
    ],
    "revoke the old token at the registry, and set the package to \"Require two-factor authentication and disallow tokens\"",
)
.variables_around("npm_config_//", ":_authToken");

/// The rules of npm, by its documentation.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Started).case(ComparedCase::Exact);

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&[TOKEN_VARIABLE]);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::NPM, RULES, STATIC_CREDENTIALS)
    // npm's own settings are examined by `npm_config`.
    .url_variables(&["YARN_NPM_PUBLISH_REGISTRY"])
    .left_open(
        "whether the trusted publisher allows a direct publish, and not only a staged one, npmjs tells at the upload alone: with `OIDC \
         permission denied for this action`",
        "look at the allowed actions of the package's trusted publisher, in its settings on npmjs",
    )
    .platforms(&[
        TrustedPlatform::public("github"),
        TrustedPlatform::public("gitlab"),
        TrustedPlatform::per_organization("circleci"),
    ])
    .demands(&[Demand::any_but("runner_environment", &["self-hosted"]).or(
        "this job runs on a self-hosted runner, and npmjs lets none publish",
        None,
        "let the publishing job run on a runner that the platform hosts",
    )]);

/// An npm registry.
///
/// It may be below a path prefix, with or without a trailing slash; the exchange is requested below the same
/// prefix. (npm itself drops the prefix and yarn keeps it; see [`Npm::without_prefix`].)
#[derive(Clone, Debug)]
pub struct Npm {
    url: HttpUrl,
    exchange_root: HttpUrl,
    port: Option<Port>,
}

impl Npm {
    /// The public registry's URL, as its tools are configured with it.
    pub const PUBLIC_URL: &'static str = PUBLIC;

    /// The registry at this URL.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http is allowed on loopback), or holds credentials.
    pub fn at(url: &str) -> Result<Self, InvalidUrl> {
        Ok(Self::from_url(HttpUrl::parse(url)?))
    }

    /// The registry at a parsed URL, such as one whose plain http the user allowed
    /// ([`HttpUrl::allowing_plain_http`]).
    pub fn from_url(url: HttpUrl) -> Self {
        Self { exchange_root: url.clone(), url, port: None }
    }

    /// The public registry.
    pub fn public() -> Self {
        Self::from_url(const { HttpUrl::constant(PUBLIC) })
    }

    /// Makes the scope of a package's token from the package's name.
    ///
    /// # Errors
    ///
    /// When the text is not a package's name.
    pub fn scope(package: &str) -> Result<Scope, InvalidPackageName> {
        PackageName::parse(package).map(Scope::from)
    }

    /// Chooses whether the audience includes the port. By default the port is left out, as npm leaves it out,
    /// unless the variable [`TOKEN_VARIABLE`] holds a token for the audience with the port, which npm sends
    /// as it is.
    #[must_use]
    pub fn with_port(mut self, port: Port) -> Self {
        self.port = Some(port);
        self
    }

    /// Returns the form of the audience of the token in the job's variable.
    fn prepared_port(&self, cx: &Context) -> Option<Port> {
        let token = cx.environment().get(TOKEN_VARIABLE)?;
        // The token was made before this process began, so its audience decides and not the default.
        let audience = npm::audience(&self.url, Port::PutIn).ok()?;
        IdToken::new(token, audience).ok().map(|_| Port::PutIn)
    }

    /// Requests the exchange at the host's root even if the registry has a path prefix, as npm itself does.
    #[must_use]
    pub fn without_prefix(mut self) -> Self {
        self.exchange_root = self.url.at_root();
        self
    }
}

impl From<PackageName> for Scope {
    fn from(name: PackageName) -> Self {
        Self::Package(name.to_string())
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for Npm {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::package::<PackageName>(&self.url, scope).map(|_| ())
    }

    async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError> {
        let port = self.port.or_else(|| self.prepared_port(cx)).unwrap_or_default();
        wire::derived(&self.url, npm::audience(&self.url, port))
    }

    /// Accepts the audience with the registry's port and without it, since tools differ in that.
    fn is_own_audience(&self, audience: &Audience) -> bool {
        let own = [Port::LeftOut, Port::PutIn].map(|port| npm::audience(&self.url, port));
        own.iter().flatten().any(|own| own == audience)
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let package: PackageName = wire::package(&self.url, &request.scope)?;
        let url = self.exchange_root.below(&format!("{}{}", npm::EXCHANGE_PATH, package.escaped()));
        let call = ExchangeCall::new(self, url, request, cx)?;
        let exchanged: Exchanged = call.ask(call.request().bearer(call.token())).await?;
        call.granted("token", exchanged.token, wire::time(exchanged.expires.as_ref()))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Diagnose for Npm {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }

    fn probe(&self) -> Request {
        Request::get(self.url.below(PING_PATH)).header("accept", "application/json")
    }

    fn is_there(&self, status: u16) -> bool {
        status != 404
    }

    fn advise(&self, request: &AdviceRequest<'_>) -> Vec<Diagnosis> {
        let path = self.url.path();
        let subject = || Target::Url(self.url.to_string());
        if path == "/" {
            return Vec::new();
        }
        let mut advice = Vec::new();
        if !path.ends_with('/') {
            let problem = "the registry's URL has a path without a slash at its end: npm then looks for its token one folder \
                           above, and fails with `ENEEDAUTH` after an exchange that went through";
            let diagnosis =
                Diagnosis::new(codes::REGISTRY_URL_SLASH, subject(), problem).severity(Severity::Warning);
            let fix = "write a slash at its end, in `registry=` of `.npmrc` and in `--registry`";
            advice.push(diagnosis.expected(format!("{}/", self.url)).fix(fix).link(links::NPM));
        }
        let problem = "the registry's URL has a path: npm itself leaves it out and asks for the exchange at the host's root";
        let diagnosis =
            Diagnosis::new(codes::REGISTRY_URL_PREFIX, subject(), problem).severity(Severity::Notice);
        let fix = format!(
            "nothing, if the registry answers `/-/npm/v1/oidc/` at its host's root too; or else {}",
            request.wording.publish_through("keeps the path")
        );
        advice.push(diagnosis.fix(fix));
        advice
    }

    async fn advise_on_tools(&self, request: &AdviceRequest<'_>, cx: &Context) -> Vec<Diagnosis> {
        let elsewhere = |package| npm_config::elsewhere(&self.url, package, request.wording, cx);
        let mut advice: Vec<Diagnosis> = request.scope.package().and_then(elsewhere).into_iter().collect();
        if let (Some(platform), Ok(audience)) = (request.platform, npm::audience(&self.url, Port::default()))
        {
            advice.extend(npm_tools::examine(&audience, platform, request.wording, cx).await);
        }
        advice
    }
}

/// The answer to an exchange. Other members exist, and only the token is needed.
#[derive(Deserialize)]
struct Exchanged {
    token: Option<String>,
    expires: Option<Value>,
}
