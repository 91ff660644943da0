use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Provider, ProviderSet};
use crate::text::shown;

/// A choice of a platform and its issuer that a [`ProviderSet`] can't follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownPlatform {
    /// There is no platform of this name with an issuer.
    #[error("there is no platform `{provider}` with an issuer here; there are {known}")]
    Provider {
        /// The platform, fit to be shown; empty where none was named.
        provider: String,
        /// The platforms that there are.
        known: String,
    },
    /// The platform has no such issuer here.
    #[error("`{provider}` has no issuer `{issuer}` here; it has {known}")]
    Issuer {
        /// The platform, fit to be shown.
        provider: String,
        /// The issuer, fit to be shown.
        issuer: String,
        /// The platform's issuers.
        known: String,
    },
    /// The platform has several issuers here, and none of them was named.
    #[error("`{provider}` has several issuers here; name one of {known}")]
    WhichIssuer {
        /// The platform, fit to be shown.
        provider: String,
        /// The issuers to choose from.
        known: String,
    },
}

impl ProviderSet {
    /// Returns a platform by its [name](Provider::id) and the URL of one of its issuers, which may be left out or empty
    /// where the platform has only one issuer here.
    ///
    /// # Errors
    ///
    /// When the platform or the issuer is unknown, or several issuers could be meant.
    pub fn choose(
        &self,
        provider: &str,
        issuer: Option<&str>,
    ) -> Result<&Arc<dyn Provider>, UnknownPlatform> {
        // A set has a platform once for each of its issuers.
        let of_platform = |(platform, _): &(&Arc<dyn Provider>, _)| platform.id() == provider;
        let issuers: BTreeMap<&str, &Arc<dyn Provider>> = self
            .issuers()
            .filter(of_platform)
            .map(|(platform, issuer)| (&**issuer.url(), platform))
            .collect();
        let known = || issuers.keys().copied().collect::<Vec<_>>().join(", ");
        let provider = shown(provider).to_string();
        match (issuer.filter(|issuer| !issuer.is_empty()), issuers.first_key_value()) {
            (_, None) => Err(UnknownPlatform::Provider { provider, known: self.names() }),
            (Some(issuer), _) => issuers.get(issuer).copied().ok_or_else(|| UnknownPlatform::Issuer {
                provider,
                issuer: shown(issuer).to_string(),
                known: known(),
            }),
            (None, _) if issuers.len() > 1 => Err(UnknownPlatform::WhichIssuer { provider, known: known() }),
            (None, Some((_, platform))) => Ok(platform),
        }
    }

    /// The names of the platforms that have an issuer, in order.
    fn names(&self) -> String {
        let platforms: BTreeSet<&str> = self.issuers().map(|(platform, _)| platform.id()).collect();
        platforms.into_iter().collect::<Vec<_>>().join(", ")
    }
}
