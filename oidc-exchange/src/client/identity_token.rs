use super::row::{
    self, Audience, AudienceSource, ExchangeError, HttpUrl, Posted, Protocol, ProtocolFacts, Row, Scope,
    StaticCredentials,
};

pub(super) static PROTOCOL: Protocol = Protocol::new()
    .token_variables(&["FLAKEHUB_PUSH_OIDC_TOKEN", "GITLAB_JWT_ID_TOKEN", "REGISTRY_ID_TOKEN"])
    .without_exchange();

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::without_public(StaticCredentials::new(
    "identity-token",
    &[],
    &[],
    "revoke the static token at the registry",
));

/// A registry that takes the job's identity token itself as its password, without an exchange.
///
/// The audience is the registry's URL without a slash at its end, unless another one is set. Buildkite's package
/// registries have that audience, `https://packages.buildkite.com/ORGANIZATION/REGISTRY`, and accept a token for at most
/// 5 minutes after it was issued. FlakeHub's audience is the host of its API, which has to be set. Both by their
/// documentation or their clients' source; no such registry can be run here.
///
/// ```
/// use oidc_core::Audience;
/// use oidc_exchange::client::IdentityToken;
///
/// let flakehub = IdentityToken::at("https://api.flakehub.com/")?.with_audience(Audience::new("api.flakehub.com")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct IdentityToken {
    url: HttpUrl,
    audience: Option<Audience>,
}

row::registry!(@own IdentityToken; audience: None);
row::with_audience!(IdentityToken);

impl Row for IdentityToken {
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::set_or_url(self.audience.as_ref(), &self.url)
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        Ok(None)
    }
}
