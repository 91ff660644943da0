use std::time::Duration;

use oidc_core::RegistryRules;

use super::doctor::OldWay;
use super::{Demand, KnownRefusal, TrustedPlatform};

/// What all registries of one protocol have in common.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Protocol {
    /// The variables that a registry's users put an identity token into; the first that is set wins over asking the
    /// platform.
    pub token_variables: &'static [&'static str],
    /// How long a publish token lives, by the protocol's documentation, where an answer doesn't say.
    pub lifetime: Option<Duration>,
    /// Where a registry's users keep long-lived secrets.
    pub old_way: &'static OldWay,
    /// The variables by which tools are told the registry's URL.
    pub url_variables: &'static [&'static str],
    /// Whether an identity token is exchanged; where not, the registry takes the identity token itself with the upload.
    pub exchanges: bool,
    /// Refusals whose cause is known beyond the registry's own words.
    pub known_refusals: &'static [KnownRefusal],
    /// What the public registry compares. Another registry of the protocol may have rules of its own.
    pub rules: RegistryRules,
    /// The platforms whose tokens the public registry takes; empty where that isn't known.
    pub platforms: &'static [TrustedPlatform],
    /// What else the public registry asks of a token.
    pub demands: &'static [Demand],
    /// What an accepted exchange at the public registry leaves open, and where to look.
    pub untold: Option<(&'static str, &'static str)>,
}

impl Protocol {
    /// A protocol whose public registry compares this, whose users have no variable of their own for identity tokens, and whose
    /// answers tell how long a publish token lives.
    pub const fn new(old_way: &'static OldWay, rules: RegistryRules) -> Self {
        Self {
            token_variables: &[],
            lifetime: None,
            old_way,
            url_variables: &[],
            exchanges: true,
            known_refusals: &[],
            rules,
            platforms: &[],
            demands: &[],
            untold: None,
        }
    }

    /// With these variables for identity tokens.
    #[must_use]
    pub const fn token_variables(mut self, names: &'static [&'static str]) -> Self {
        self.token_variables = names;
        self
    }

    /// With the lifetime that the documentation names, in minutes.
    #[must_use]
    pub const fn lifetime_in_minutes(mut self, minutes: u64) -> Self {
        self.lifetime = Some(Duration::from_secs(60 * minutes));
        self
    }

    /// With refusals whose cause is known beyond the registry's own words.
    #[must_use]
    pub const fn known_refusals(mut self, refusals: &'static [KnownRefusal]) -> Self {
        self.known_refusals = refusals;
        self
    }

    /// With the variables by which tools are told the registry's URL.
    #[must_use]
    pub const fn url_variables(mut self, names: &'static [&'static str]) -> Self {
        self.url_variables = names;
        self
    }

    /// Without an exchange: the registry takes the identity token itself.
    #[must_use]
    pub const fn without_exchange(mut self) -> Self {
        self.exchanges = false;
        self
    }

    /// With the platforms whose tokens the public registry takes.
    #[must_use]
    pub const fn platforms(mut self, platforms: &'static [TrustedPlatform]) -> Self {
        self.platforms = platforms;
        self
    }

    /// With what else the public registry asks of a token.
    #[must_use]
    pub const fn demands(mut self, demands: &'static [Demand]) -> Self {
        self.demands = demands;
        self
    }

    /// With what an accepted exchange at the public registry leaves open, and where to look.
    #[must_use]
    pub const fn untold(mut self, problem: &'static str, fix: &'static str) -> Self {
        self.untold = Some((problem, fix));
        self
    }
}
