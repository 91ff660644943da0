use oidc_core::{Audience, ComparedWorkflow, HttpUrl, RegistryRules};

use super::declared::{AudienceSource, Declared, Posted};
use super::diagnose::ProtocolFacts;
use super::error::ExchangeError;
use super::protocol::Protocol;
use super::scope::Scope;
use super::static_credentials::StaticCredentials;
use super::token_exchange::grant;

/// The path that makes access tokens, at the platform's root.
const TOKEN_PATH: &str = "/access/api/v1/oidc/token";

/// The static credentials of JFrog's own command. They are not among the collected facts, and uncertain.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "jfrog",
    &["JF_ACCESS_TOKEN", "JFROG_CLI_ACCESS_TOKEN"],
    &[],
    "revoke the access token in the JFrog platform's administration",
);

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["JFROG_ID_TOKEN"]);

/// An identity mapping compares the claims that its administrator names.
pub(super) static FACTS: ProtocolFacts =
    ProtocolFacts::new("", "", RegistryRules::comparing(ComparedWorkflow::Uncertain), STATIC_CREDENTIALS);

/// A JFrog platform with Artifactory, by the members of OAuth 2.0 token exchange in JSON.
///
/// The URL may be that of a repository, as its tools are told it: tokens are made at the root of its host. The
/// audience is what the administrator of the OIDC integration set, or else the origin. A token is for what the
/// integration's identity mapping allows. The protocol is that of JFrog's own clients' source, tested with recorded
/// answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct JFrog {
    url: HttpUrl,
    provider: String,
    audience: Option<Audience>,
}

super::wire::at_own_url!(JFrog, provider: impl Into<String>, "`provider` is the name of the OIDC integration.";
    audience: None);
super::wire::with_audience!(JFrog);

impl Declared for JFrog {
    const PROTOCOL: &'static Protocol = &PROTOCOL;
    const FACTS: &'static ProtocolFacts = &FACTS;

    fn location(&self) -> &HttpUrl {
        &self.url
    }

    fn audience_source(&self) -> AudienceSource {
        AudienceSource::set_or_url(self.audience.as_ref(), &self.url.at_root())
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let grant = grant(self.url.at_root().below(TOKEN_PATH));
        Ok(Some(grant.with("provider_name", &self.provider)))
    }
}
