use std::collections::BTreeSet;
use std::sync::Arc;

use super::{ClaimRule, ClaimType, ClaimUse, Issuer, Profile, Provider, ProviderKind};
use crate::claims::Claims;
use crate::context::Context;
use crate::environment::Environment;
use crate::proof::Unverified;
use crate::source::Detection;
use crate::token::{find_token, holds_identity_token};
use crate::url::HttpUrl;

/// The platforms that an application supports.
#[derive(Clone, Debug, Default)]
pub struct ProviderSet {
    providers: Vec<Arc<dyn Provider>>,
    /// The operator's settings for issuers of the platforms.
    settings: Vec<Issuer>,
}

/// A platform that a [`ProviderSet`] takes: one of a type of its own, such as `GitHub::public()`, or one that is
/// shared, such as `oidc_providers::public("github")?`.
pub trait IntoProvider {
    /// Returns the platform, shared.
    fn into_provider(self) -> Arc<dyn Provider>;
}

impl<P: Provider + 'static> IntoProvider for P {
    fn into_provider(self) -> Arc<dyn Provider> {
        Arc::new(self)
    }
}

impl IntoProvider for Arc<dyn Provider> {
    fn into_provider(self) -> Arc<dyn Provider> {
        self
    }
}

impl ProviderSet {
    /// A set of one platform.
    pub fn of(provider: impl IntoProvider) -> Self {
        Self::default().with(provider)
    }

    /// Adds a platform, or another issuer of a platform.
    #[must_use]
    pub fn with(mut self, provider: impl IntoProvider) -> Self {
        self.providers.push(provider.into_provider());
        self
    }

    /// Adds an operator's settings for an issuer of one of the platforms: its keys where it can't be reached,
    /// another bound on its tokens' lifetime, further hosts of its keys. Anything that `issuer` leaves open
    /// keeps its value from earlier settings or from the platform.
    ///
    /// A set that is collected from the platforms of this set has no settings.
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

    /// Returns the platforms, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.iter()
    }

    /// Returns every issuer with its platform, in the order in which the platforms were added, such as for a
    /// settings page. A platform without an issuer, for which a registry has to configure one, is not among them.
    ///
    /// ```
    /// use oidc_core::ProviderSet;
    /// # fn example(providers: &ProviderSet) {
    /// for (platform, issuer) in providers.issuers() {
    ///     println!("<option value=\"{}\">{}</option>", issuer.url(), platform.title());
    /// }
    /// # }
    /// ```
    pub fn issuers(&self) -> impl Iterator<Item = (&Arc<dyn Provider>, &Issuer)> {
        let of = |provider| move |issuer| (provider, issuer);
        self.iter().flat_map(move |provider| provider.profile().issuers.iter().map(of(provider)))
    }

    /// Returns the platform that a job runs on, even if it gives this job no tokens: CI platforms before
    /// cloud hosts. Makes no request.
    pub fn here(&self, context: &Context) -> Option<&Arc<dyn Provider>> {
        let is_here =
            |provider: &&Arc<dyn Provider>| !matches!(provider.detect(&Detection::new(context)), Ok(None));
        let of = |host| self.iter().filter(move |provider| provider.profile().kind == host).find(is_here);
        [ProviderKind::Ci, ProviderKind::Cloud, ProviderKind::Named].into_iter().find_map(of)
    }

    /// Returns the platform that an issuer belongs to, by the issuer's exact URL.
    pub fn for_issuer(&self, issuer: &str) -> Option<&Arc<dyn Provider>> {
        self.issuers().find(|(_, known)| &**known.url() == issuer).map(|(provider, _)| provider)
    }
}

impl ProviderSet {
    /// Returns the issuer, if the text is or contains an identity token that one of the platforms made
    /// ([`holds_identity_token`](crate::holds_identity_token)); `None` for any other text, including publish tokens that are
    /// JWTs. The token may be encoded in base64, as the password of basic authentication does, and is not verified.
    ///
    /// A token is recognized by the issuer of a platform, by an issuer at an address below it (of an
    /// enterprise or an organization), or by the claims that a platform puts into each of its tokens.
    pub fn identity_issuer(&self, text: &str) -> Option<String> {
        find_token(text, &|token| self.issuer_of(token))
    }

    fn issuer_of(&self, text: &str) -> Option<String> {
        let claims = Unverified::<Claims>::of_token(text).ok()?;
        let claims = claims.read_unverified();
        let issuer = claims.text("iss")?;
        let is_of = |provider: &Arc<dyn Provider>| {
            let profile = provider.profile();
            profile.issuers.iter().any(|known| is_at_or_below(&issuer, known.url()))
                // Only CI platforms have required claims that other issuers' tokens lack.
                || (profile.kind == ProviderKind::Ci && has_claims_of(profile, claims))
        };
        (HttpUrl::parse(&issuer).is_ok() && self.iter().any(is_of)).then(|| issuer.into_owned())
    }

    /// Returns the names of the variables that the platforms look up ([`Provider::source_variables`]), in order. A `*` at either end of a
    /// name stands for any text.
    ///
    /// `oidc_exchange::client::source_variables` adds those of a registry, and `HttpSettings::VARIABLES` are those of the
    /// transport.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use oidc_core::{ProviderSet, testing::FakePlatform};
    ///
    /// let names = ProviderSet::of(FakePlatform::new()).source_variables();
    /// assert_eq!(names.into_iter().collect::<Vec<_>>(), ["FAKE_CI", "FAKE_CI_TOKEN_KEY"]);
    /// # }
    /// ```
    pub fn source_variables(&self) -> BTreeSet<&'static str> {
        self.iter().flat_map(|provider| provider.source_variables()).copied().collect()
    }

    /// Returns the names of the variables in an environment that give away the job's identity: those that the
    /// platforms name ([`Provider::identity_variables`]), whichever platform the job runs on, copies of these
    /// under other names, and any variable that holds an identity token.
    ///
    /// A publish tool that runs foreign code, such as build scripts, removes these variables from that code's
    /// environment. A file, a command of the platform or a metadata server remains within the code's reach.
    ///
    /// ```
    /// # use oidc_core::{Environment, ProviderSet};
    /// let token = "e30.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoidmF1bHQiLCJleHAiOjF9.c2ln";
    /// let environment = Environment::from_iter([("FOR_THE_VAULT", token), ("HOME", "/root")]);
    /// assert_eq!(ProviderSet::default().identity_variables(&environment), ["FOR_THE_VAULT"]);
    /// ```
    pub fn identity_variables<'a>(&self, environment: &'a Environment) -> Vec<&'a str> {
        let patterns: Vec<&str> =
            self.iter().flat_map(|provider| provider.identity_variables()).copied().collect();
        let is_named = |name: &str| patterns.iter().any(|pattern| names(pattern, name));
        let is_token = |name: &str| environment.get(name).is_some_and(holds_identity_token);
        let secrets =
            environment.names().filter(|name| is_named(name)).filter_map(|name| environment.get(name));
        let secrets: Vec<&str> = secrets.map(str::trim).filter(|value| may_be_secret(value)).collect();
        let is_copy = |name: &str| environment.get(name).is_some_and(|value| secrets.contains(&value.trim()));
        environment.names().filter(|name| is_named(name) || is_token(name) || is_copy(name)).collect()
    }
}

/// The least length of a secret, in bytes.
const MIN_SECRET: usize = 16;

/// Returns `true` for a value that is neither a path nor an address.
fn may_be_secret(value: &str) -> bool {
    value.len() >= MIN_SECRET && !value.starts_with('/') && !value.contains("://") && !value.contains('@')
}

/// Returns `true` if an issuer is `known`, or at an address below it.
fn is_at_or_below(issuer: &str, known: &str) -> bool {
    let known = known.trim_end_matches('/');
    issuer.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns `true` if the claims that the platform puts into each token are all there. The claims that every
/// issuer has don't count.
fn has_claims_of(profile: &Profile, claims: &Claims) -> bool {
    let is_own =
        |rule: &&ClaimRule| rule.usage == ClaimUse::Required && rule.claim_type != ClaimType::Registered;
    let mut own = profile.claims.iter().filter(is_own).peekable();
    own.peek().is_some() && own.all(|rule| claims.get(rule.name).is_some())
}

/// Returns `true` if a pattern, which may have a `*` at either end, matches the name.
pub(crate) fn names(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}

#[cfg(feature = "verify")]
impl ProviderSet {
    /// A platform's issuer with the operator's settings.
    pub(crate) fn configured(&self, issuer: &Issuer) -> Issuer {
        let settings = self.settings.iter().filter(|settings| settings.url() == issuer.url());
        settings.fold(issuer.clone(), Issuer::with_settings_of)
    }

    /// The first issuer that has settings and no platform.
    pub(crate) fn without_platform(&self) -> Option<&Issuer> {
        self.settings.iter().find(|settings| self.for_issuer(settings.url()).is_none())
    }
}

impl FromIterator<Arc<dyn Provider>> for ProviderSet {
    fn from_iter<I: IntoIterator<Item = Arc<dyn Provider>>>(providers: I) -> Self {
        Self { providers: providers.into_iter().collect(), settings: Vec::new() }
    }
}

#[cfg(test)]
mod name_tests {
    use super::names;

    #[test]
    fn a_star_stands_for_any_text_at_either_end() {
        for (pattern, name, expected) in [
            ("OIDC_TOKEN", "OIDC_TOKEN", true),
            ("OIDC_TOKEN", "OIDC_TOKEN_FILE", false),
            ("ACTIONS_*", "ACTIONS_URL", true),
            ("ACTIONS_*", "MY_ACTIONS_URL", false),
            ("*_ID_TOKEN", "NPM_ID_TOKEN", true),
            ("*_ID_TOKEN", "ID_TOKENS", false),
            ("*OIDC*", "A_OIDC_B", true),
            ("*OIDC*", "OID", false),
        ] {
            assert_eq!(names(pattern, name), expected, "{pattern} {name}");
        }
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
