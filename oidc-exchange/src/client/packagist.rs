use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, RegistryRules, shown};
use serde::Deserialize;

use super::demand::TrustedPlatform;
use super::diagnose::{Diagnose, ProtocolFacts};
use super::error::ExchangeError;
use super::links;
use super::protocol::Protocol;
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::static_credentials::StaticCredentials;
use super::token::PublishToken;
use super::wire::{self, ExchangeCall};

/// The public registry.
const PUBLIC: &str = "https://packagist.com/";

/// The path of the registry's audience.
const AUDIENCE_PATH: &str = "/oidc/audience";

/// The path that makes publish tokens. The organization and the package follow.
const EXCHANGE_PATH: &str = "/oidc/token-exchange/";

/// The separator between the two parts of a publish token.
const SEPARATOR: char = ':';

/// The variables in which scripts keep the API credentials by convention. They are not among the collected
/// facts, and uncertain. Composer's own `auth.json` is not included: it is for reading packages and not for
/// publishing.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "packagist",
    &["PRIVATE_PACKAGIST_API_KEY", "PRIVATE_PACKAGIST_API_SECRET"],
    &[],
    "delete the API credentials on Private Packagist, under the organization's settings",
);

/// Uncertain: it is not known which workflow Private Packagist compares where one calls another.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Uncertain);

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&["PACKAGIST_ID_TOKEN"]).lifetime_in_minutes(15);

pub(super) static FACTS: ProtocolFacts =
    ProtocolFacts::new(PUBLIC, links::PACKAGIST, RULES, STATIC_CREDENTIALS)
        .platforms(&[TrustedPlatform::public("github")]);

/// The packages of one organization on Private Packagist.
///
/// The answer is a key and a secret, with which requests are signed; the publish token is both, `KEY:SECRET`.
/// It uploads artifacts of one package and lives 15 minutes. The protocol is that of
/// `private-packagist-api-client`, tested with recorded answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct Packagist {
    url: HttpUrl,
    organization: ComposerName,
}

wire::at_url!(Packagist, PUBLIC, organization: ComposerName, "`organization` is the owner of the packages.");

impl Packagist {
    /// Makes the scope of a package's token from the package's name.
    ///
    /// # Errors
    ///
    /// When the text is not a name in Composer's form.
    pub fn scope(package: &str) -> Result<Scope, InvalidComposerName> {
        package.parse().map(|name: ComposerName| Scope::Package(name.0))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for Packagist {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::package::<ComposerName>(&self.url, scope).map(|_| ())
    }

    /// Asks the registry for its audience. An audience that belongs to another party is an error.
    async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError> {
        wire::audience(&self.url, self.url.at_root().below(AUDIENCE_PATH), cx).await
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let package: ComposerName = wire::package(&self.url, &request.scope)?;
        let path = format!("{EXCHANGE_PATH}{}/{package}", self.organization);
        let call = ExchangeCall::new(self, self.url.at_root().below(&path), request, cx)?;
        let exchanged: Exchanged = call.ask(call.request().bearer(call.token())).await?;
        // The key and the secret are used separately, in the signature of a request and in variables.
        let key = call.part("key", exchanged.key, Some(SEPARATOR))?;
        let secret = call.part("secret", exchanged.secret, None)?;
        let both = format!("{}{SEPARATOR}{}", key.expose(), secret.expose());
        // The quotes in the name complete those that messages put around it.
        call.granted("key` and `secret", Some(both), None)
    }
}

impl Diagnose for Packagist {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    key: Option<String>,
    secret: Option<String>,
}

/// A package's name, `vendor/name`, or an organization's, `name`, as Composer writes them: lower-case letters, digits,
/// `.`, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ComposerName(String);

impl FromStr for ComposerName {
    type Err = InvalidComposerName;

    fn from_str(text: &str) -> Result<Self, InvalidComposerName> {
        let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let allowed = |c: char| is_end(c) || matches!(c, '.' | '-' | '_');
        let is_part =
            |part: &str| part.starts_with(is_end) && part.ends_with(is_end) && part.chars().all(allowed);
        if text.len() <= 256 && text.split('/').count() <= 2 && text.split('/').all(is_part) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidComposerName(text.chars().take(256).collect()))
    }
}

impl fmt::Display for ComposerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not a name in Composer's form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a name of Composer's: expected `vendor/name` of lower-case letters, digits, `.`, `-`, `_`", shown(.0))]
pub struct InvalidComposerName(String);
