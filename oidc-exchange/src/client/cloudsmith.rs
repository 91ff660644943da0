use oidc_core::{Audience, ComparedWorkflow, HttpUrl, RegistryRules};

use super::declared::{AudienceSource, Declared, Expiry, Posted};
use super::diagnose::ProtocolFacts;
use super::error::ExchangeError;
use super::links;
use super::protocol::Protocol;
use super::scope::Scope;
use super::slug::SlugPair;
use super::static_credentials::{CredentialFile, StaticCredentials};

/// The host that makes the public registry's tokens.
const PUBLIC: &str = "https://api.cloudsmith.io/";

/// The static credentials of Cloudsmith's command, by its documentation. The file is not among the collected
/// facts, and uncertain.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "cloudsmith",
    &["CLOUDSMITH_API_KEY"],
    &[CredentialFile::new("credentials.ini", &["api_key"]).below_home(".cloudsmith/")],
    "rotate the API key on Cloudsmith, under the account's settings",
);

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["CLOUDSMITH_ID_TOKEN"]);

/// A service account's provider compares the claims that its administrator names.
pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(
    PUBLIC,
    links::CLOUDSMITH,
    RegistryRules::comparing(ComparedWorkflow::Uncertain),
    STATIC_CREDENTIALS,
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

super::wire::at_url!(Cloudsmith, PUBLIC, service: SlugPair, "`service` is the organization and its service account, `acme/ci`.";
    audience: None);
super::wire::with_audience!(Cloudsmith);

impl Declared for Cloudsmith {
    const PROTOCOL: &'static Protocol = &PROTOCOL;
    const FACTS: &'static ProtocolFacts = &FACTS;

    fn location(&self) -> &HttpUrl {
        &self.url
    }

    fn audience_source(&self) -> AudienceSource {
        AudienceSource::set_or_url(self.audience.as_ref(), &self.url.at_root())
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let url = self.url.at_root().below(&format!("/openid/{}/", self.service.first()));
        let posted = Posted::json(url, "oidc_token", "token", Expiry::OfToken);
        Ok(Some(posted.with("service_slug", self.service.second())))
    }
}
