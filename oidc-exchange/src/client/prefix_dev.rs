use std::borrow::Cow;

use super::row::{
    self, Audience, AudienceSource, ComparedWorkflow, ExchangeError, Expiry, HttpUrl, Posted, Protocol,
    ProtocolFacts, RegistryRules, Row, Scope, links, tools,
};

/// The public registry.
const PUBLIC: &str = "https://prefix.dev/";

/// The public registry's host, which is also the audience of its sub-domains.
const HOST: &str = "prefix.dev";

/// The path that makes publish tokens, unless a server's operator chose another.
const MINT_PATH: &str = "/api/oidc/mint_token";

/// Uncertain: it is not known which workflow prefix.dev compares where one calls another.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Uncertain);

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["PREFIX_DEV_ID_TOKEN"]);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::PREFIX_DEV, RULES, tools::CONDA);

/// The channels of conda packages on prefix.dev.
///
/// The answer is the token's text and nothing else. A token is for the channels that trust the job's
/// identity. The protocol is that of rattler's source, tested with recorded answers; no such registry can be
/// run here. Uncertain: how long a token lives.
#[derive(Clone, Debug)]
pub struct PrefixDev {
    url: HttpUrl,
    audience: Option<Audience>,
    mint_path: Cow<'static, str>,
}

row::registry!(PrefixDev, PUBLIC; audience: None, mint_path: Cow::Borrowed(MINT_PATH));
row::with_audience!(PrefixDev);

impl PrefixDev {
    /// Sets the path below the server's host, in place of `/api/oidc/mint_token`. No text of the path leads to
    /// another host.
    ///
    /// ```
    /// # use oidc_core::Audience;
    /// # use oidc_exchange::client::PrefixDev;
    /// let server = PrefixDev::at("https://conda.example/")?
    ///     .with_audience(Audience::new("prefix.dev")?)
    ///     .with_mint_path("/tokens/mint");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_mint_path(mut self, path: impl Into<String>) -> Self {
        self.mint_path = Cow::Owned(path.into());
        self
    }
}

impl Row for PrefixDev {
    /// The audience that was set, or else the host, and the public registry's host for its sub-domains.
    fn audience_source(&self) -> AudienceSource {
        let host = self.url.host();
        let is_below = host.strip_suffix(HOST).is_some_and(|label| label.ends_with('.'));
        let derived = || Audience::new(if is_below { HOST } else { host });
        AudienceSource::Derived(self.audience.clone().map_or_else(derived, Ok))
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let url = self.url.at_root().below(&self.mint_path);
        Ok(Some(Posted::json(url, "token", "", Expiry::Untold).answered_by_text()))
    }
}
