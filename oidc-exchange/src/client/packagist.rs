use super::composer_name::{ComposerName, InvalidComposerName};
use super::row::{
    self, AudienceSource, ComparedWorkflow, ExchangeError, Expiry, HttpUrl, Posted, Protocol, ProtocolFacts,
    RegistryRules, Row, Scope, TrustedPlatform, links, tools, wire,
};

/// The public registry.
const PUBLIC: &str = "https://packagist.com/";

/// Uncertain: it is not known which workflow Private Packagist compares where one calls another.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Uncertain);

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&["PACKAGIST_ID_TOKEN"]).lifetime_in_minutes(15);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::PACKAGIST, RULES, tools::COMPOSER)
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

row::registry!(Packagist, PUBLIC, organization: ComposerName, "`organization` is the owner of the packages.");
row::scope_of!(Packagist, ComposerName, InvalidComposerName, "a package's name in Composer's form");

impl Row for Packagist {
    fn accept_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::package::<ComposerName>(&self.url, scope).map(|_| ())
    }

    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Told(self.url.at_root().below("/oidc/audience"))
    }

    fn exchange_for(&self, scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let package: ComposerName = wire::package(&self.url, scope)?;
        let path = format!("/oidc/token-exchange/{}/{package}", self.organization);
        let posted = Posted::bearer(self.url.at_root().below(&path), "", Expiry::Untold);
        Ok(Some(posted.answered_by_pair("key", "secret")))
    }
}
