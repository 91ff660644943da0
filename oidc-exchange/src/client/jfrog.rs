use super::oauth::grant;
use super::row::{
    self, Audience, AudienceSource, ExchangeError, HttpUrl, Posted, Protocol, ProtocolFacts, Row, Scope,
    tools,
};

/// The path that makes access tokens, at the platform's root.
const TOKEN_PATH: &str = "/access/api/v1/oidc/token";

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["JFROG_ID_TOKEN"]);

/// An identity mapping compares the claims that its administrator names.
pub(super) static FACTS: ProtocolFacts = ProtocolFacts::without_public(tools::JFROG);

/// A JFrog platform with Artifactory, by the members of OAuth 2.0 token exchange in JSON.
///
/// The URL may be that of a repository, as its tools are configured with it: tokens are made at the root of its host.
/// The audience is what the administrator of the OIDC integration set, or else the origin. A token is for what the
/// integration's identity mapping allows. The protocol is that of JFrog's own clients' source, tested with recorded
/// answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct JFrog {
    url: HttpUrl,
    provider: String,
    audience: Option<Audience>,
}

row::registry!(@own JFrog, provider: impl Into<String>, "`provider` is the name of the OIDC integration.";
    audience: None);
row::with_audience!(JFrog);

impl Row for JFrog {
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::set_or_url(self.audience.as_ref(), &self.url.at_root())
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let grant = grant(self.url.at_root().below(TOKEN_PATH));
        Ok(Some(grant.with("provider_name", &*self.provider)))
    }
}
