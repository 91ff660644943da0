use super::row::{
    self, AudienceSource, ComparedWorkflow, ExchangeError, Expiry, HttpUrl, KnownRefusal, Posted, Protocol,
    ProtocolFacts, RegistryRules, Row, Scope, TrustedPlatform, USED, links, tools, wire,
};
use super::slug::Slug;

/// The public registry's API, as its tools are configured with it.
const PUBLIC: &str = "https://hex.pm/api/";

/// Refusals, by the draft.
static KNOWN_REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_token("invalid_grant", USED),
    KnownRefusal::of_publisher("access_denied", NO_PUBLISHER),
];

const NO_PUBLISHER: &str = "compare the package's trusted publisher with this job: repository, workflow file, environment; the \
                            first release of a package is published with an API key";

pub(super) static PROTOCOL: Protocol = Protocol::new()
    .token_variables(&["HEXPM_ID_TOKEN"])
    .lifetime_in_minutes(15)
    .known_refusals(KNOWN_REFUSALS);

/// Uncertain: the draft does not say which workflow is compared where one calls another.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Uncertain);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::HEX, RULES, tools::HEX)
    .url_variables(&["HEX_API_URL"])
    .platforms(&[TrustedPlatform::public("github")]);

/// A registry of Hex packages, by a **draft**: pull request 1785 of hexpm, which hex.pm does not serve yet and which
/// may change.
///
/// A token is for one package and lives 15 minutes. Tested with answers that follow its documentation.
#[derive(Clone, Debug)]
pub struct Hex {
    url: HttpUrl,
}

row::registry!(Hex, PUBLIC);

impl Row for Hex {
    fn accept_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::package::<Slug>(&self.url, scope).map(|_| ())
    }

    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Told(self.url.below("oidc/audience"))
    }

    fn exchange_for(&self, scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let package: Slug = wire::package(&self.url, scope)?;
        let posted =
            Posted::json(self.url.below("oidc/mint-token"), "token", "token", Expiry::In("expires_in"));
        Ok(Some(posted.of_oauth().with("repository", "hexpm").with("package", package.as_str())))
    }
}
