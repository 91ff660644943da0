use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, InvalidAudience, RegistryRules, shown};
use serde::Deserialize;

use super::diagnose::{Diagnose, ProtocolFacts};
use super::error::ExchangeError;
use super::links;
use super::protocol::Protocol;
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::static_credentials::{CredentialFile, StaticCredentials};
use super::token::PublishToken;
use super::wire::{self, ExchangeCall};

/// The public registry.
const PUBLIC: &str = "https://open-vsx.org/";

/// The path that makes publish tokens, below a registry's URL.
const TOKEN_PATH: &str = "/api/-/trusted-publishing/token";

/// The static credentials of ovsx, by its documentation. They are not among the collected facts, and
/// uncertain.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "open-vsx",
    &["OVSX_PAT"],
    &[CredentialFile::marked(".ovsx", "", &["\"pat\""])],
    "delete the access token on Open VSX, under the account's settings",
);

/// Uncertain: by openvsx's source, a workflow's path is compared, without its ref; it is not known whether
/// that of the started or of the called workflow.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Uncertain);

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&["OPEN_VSX_ID_TOKEN"]).lifetime_in_minutes(15);

pub(super) static FACTS: ProtocolFacts =
    ProtocolFacts::new(PUBLIC, links::OPEN_VSX, RULES, STATIC_CREDENTIALS);

/// An Open VSX registry of extensions.
///
/// A token is for one extension and lives minutes. The protocol is that of openvsx's source (pull requests
/// 1980 and 2001), tested with recorded answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct OpenVsx {
    url: HttpUrl,
}

wire::at_url!(OpenVsx, PUBLIC);

impl OpenVsx {
    /// Makes the scope of an extension's token from the extension's name, `namespace.name`.
    ///
    /// # Errors
    ///
    /// When the text is not an extension's name.
    pub fn scope(extension: &str) -> Result<Scope, InvalidExtension> {
        extension.parse().map(|extension: Extension| Scope::Package(extension.to_string()))
    }

    fn own_audience(&self) -> Result<Audience, InvalidAudience> {
        Audience::new(self.url.as_str().trim_end_matches('/'))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for OpenVsx {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::package::<Extension>(&self.url, scope).map(|_| ())
    }

    /// Returns the registry's URL without a slash at its end.
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
        let Extension { namespace, name } = wire::package(&self.url, &request.scope)?;
        let call = ExchangeCall::new(self, self.url.below(TOKEN_PATH), request, cx)?;
        let names = [("namespace", namespace.into()), ("extension", name.into())];
        let exchanged: Exchanged = call.ask(call.with_members("token", names)).await?;
        call.granted("value", exchanged.value, None)
    }
}

impl Diagnose for OpenVsx {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    value: Option<String>,
}

/// An extension's name: `namespace.name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    namespace: String,
    name: String,
}

impl FromStr for Extension {
    type Err = InvalidExtension;

    fn from_str(text: &str) -> Result<Self, InvalidExtension> {
        let is_part = |part: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~');
            !part.is_empty() && part.len() <= 128 && part.chars().all(allowed)
        };
        match text.split_once('.') {
            Some((namespace, name)) if is_part(namespace) && is_part(name) => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err(InvalidExtension(text.chars().take(256).collect())),
        }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.namespace, self.name)
    }
}

/// A text that is not an extension's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not an extension's name: expected `namespace.name` of letters, digits, `-`, `_` and `~`", shown(.0))]
pub struct InvalidExtension(String);
