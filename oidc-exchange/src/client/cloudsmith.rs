use super::row::{
    self, Audience, AudienceSource, ComparedWorkflow, ExchangeError, Expiry, HttpUrl, Posted, Protocol,
    ProtocolFacts, RegistryRules, Row, Scope, links, tools,
};
use super::slug::SlugPair;

/// The host that makes the public registry's tokens.
const PUBLIC: &str = "https://api.cloudsmith.io/";

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["CLOUDSMITH_ID_TOKEN"]);

/// A service account's provider compares the claims that its administrator names.
pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(
    PUBLIC,
    links::CLOUDSMITH,
    RegistryRules::comparing(ComparedWorkflow::Uncertain),
    tools::CLOUDSMITH,
);

/// The repositories of an organization on Cloudsmith.
///
/// A token is for what the service account may do. It is a JWT, whose own `exp` tells its end. The audience is what
/// the provider's administrator chose, or else `https://api.cloudsmith.io`. The protocol is that of Cloudsmith's
/// command's source, tested with recorded answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct Cloudsmith {
    url: HttpUrl,
    service: SlugPair,
    audience: Option<Audience>,
}

row::registry!(Cloudsmith, PUBLIC, service: SlugPair, "`service` is the organization and its service account, `acme/ci`.";
    audience: None);
row::with_audience!(Cloudsmith);

impl Row for Cloudsmith {
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::set_or_url(self.audience.as_ref(), &self.url.at_root())
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let url = self.url.at_root().below(&format!("/openid/{}/", self.service.first()));
        let posted = Posted::json(url, "oidc_token", "token", Expiry::OfToken);
        Ok(Some(posted.with("service_slug", self.service.second())))
    }
}
