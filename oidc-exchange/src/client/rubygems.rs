use super::row::{
    self, AudienceSource, ComparedCase, ComparedWorkflow, ExchangeError, Expiry, HttpUrl, Posted, Protocol,
    ProtocolFacts, RegistryRules, Row, Scope, TrustedPlatform, links, tools,
};
use crate::rubygems::{self, EXCHANGE_PATH, TOKEN_VARIABLE};

/// The public registry.
const PUBLIC: &str = "https://rubygems.org/";

/// The rules of rubygems.org, by its source: it looks up the called workflow's repository and file, and
/// compares case-sensitively.
const RULES: RegistryRules =
    RegistryRules::comparing(ComparedWorkflow::CalledAnywhere).case(ComparedCase::Exact);

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&[TOKEN_VARIABLE]).lifetime_in_minutes(15);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::RUBYGEMS, RULES, tools::GEM)
    .url_variables(&["RUBYGEMS_HOST"])
    .platforms(&[TrustedPlatform::public("github")]);

/// A registry of gems that speaks RubyGems' protocol.
///
/// A token is for every gem that trusts the job's identity. It lives 15 minutes and can't be revoked.
///
/// ```no_run
/// use oidc_core::{Context, ProviderSet, Secret};
/// use oidc_exchange::client::{PublishRequest, RubyGems};
///
/// # async fn upload(_file: &str, _token: &Secret) {}
/// # async fn publish(platforms: &ProviderSet, cx: &Context) -> Result<(), Box<dyn std::error::Error>> {
/// let registry = RubyGems::public();
/// let token = oidc_exchange::publish_token(&registry, PublishRequest::identity(), platforms, cx).await?;
/// for file in ["widget-1.0.0.gem", "widget-cli-1.0.0.gem"] {
///     upload(file, token.secret()).await;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RubyGems {
    url: HttpUrl,
}

row::registry!(RubyGems, PUBLIC);

impl Row for RubyGems {
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Derived(rubygems::audience(&self.url))
    }

    /// The answer's `gem` is the only gem that the key is for, if there is one (rubygems.org's `api_key.rubygem`).
    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let url = self.url.below(EXCHANGE_PATH);
        let posted = Posted::json(url, "jwt", "rubygems_api_key", Expiry::Time("expires_at"));
        Ok(Some(posted.limited_by("gem")))
    }
}
