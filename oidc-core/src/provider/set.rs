use std::sync::Arc;

use super::{Issuer, Provider};

/// The platforms that an application knows.
#[derive(Clone, Debug, Default)]
pub struct ProviderSet {
    providers: Vec<Arc<dyn Provider>>,
    /// What the operator says of issuers that the platforms have.
    settings: Vec<Issuer>,
}

impl ProviderSet {
    /// With one more platform, or one more issuer of a platform.
    #[must_use]
    pub fn with(mut self, provider: impl Provider + 'static) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// With an operator's settings for an issuer that one of the platforms has: its keys where it can't be reached, another
    /// bound on its tokens' lifetime, further hosts of its keys. What `issuer` leaves open stays as it was: the platform's, or
    /// that of settings before.
    ///
    /// A set that is collected from the platforms of this one has no settings.
    ///
    /// No `verify::Verifier` can be made of a set with settings for an issuer that no platform has.
    ///
    /// ```
    /// # use oidc_core::{Issuer, ProviderSet};
    /// # fn settings(providers: ProviderSet, jwks: serde_json::Value) -> Result<ProviderSet, oidc_core::InvalidUrl> {
    /// let gitlab = Issuer::new("https://gitlab.example")?.with_keys(jwks);
    /// Ok(providers.with_settings(gitlab))
    /// # }
    /// ```
    #[must_use]
    pub fn with_settings(mut self, issuer: Issuer) -> Self {
        self.settings.push(issuer);
        self
    }

    /// The platforms, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.iter()
    }

    /// The platform that an issuer belongs to, by the issuer's exact URL.
    pub fn for_issuer(&self, issuer: &str) -> Option<&Arc<dyn Provider>> {
        self.providers
            .iter()
            .find(|provider| provider.profile().issuers.iter().any(|known| &**known.url() == issuer))
    }
}

#[cfg(feature = "verify")]
impl ProviderSet {
    /// A platform's issuer, with what the operator says of it.
    pub(crate) fn configured(&self, issuer: &Issuer) -> Issuer {
        let settings = self.settings.iter().filter(|settings| settings.url() == issuer.url());
        settings.fold(issuer.clone(), Issuer::with_settings_of)
    }

    /// An issuer that there are settings for, and no platform.
    pub(crate) fn without_platform(&self) -> Option<&Issuer> {
        self.settings.iter().find(|settings| self.for_issuer(settings.url()).is_none())
    }
}

impl FromIterator<Arc<dyn Provider>> for ProviderSet {
    fn from_iter<I: IntoIterator<Item = Arc<dyn Provider>>>(providers: I) -> Self {
        Self { providers: providers.into_iter().collect(), settings: Vec::new() }
    }
}

#[cfg(all(test, feature = "verify"))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn settings_leave_what_they_do_not_name_as_the_platform_has_it() {
        let mut platforms =
            Issuer::constant("https://issuer.example").with_max_lifetime(Duration::from_secs(60));
        platforms.key_hosts.push("keys.example".to_owned());
        let mut settings = Issuer::constant("https://issuer.example").with_keys(serde_json::json!({}));
        settings.key_hosts.push("more.example".to_owned());
        let others = Issuer::constant("https://other.example").with_max_lifetime(Duration::from_secs(1));
        let set = ProviderSet::default().with_settings(settings).with_settings(others);
        let issuer = set.configured(&platforms);
        assert_eq!(&**issuer.url(), "https://issuer.example");
        assert_eq!(issuer.key_hosts, ["keys.example", "more.example"]);
        assert_eq!(issuer.keys, Some(serde_json::json!({})));
        assert_eq!(issuer.max_lifetime, Some(Duration::from_secs(60)));
    }
}
