use std::sync::Arc;

use super::{ClaimRule, Form, Host, Issuer, Presence, Profile, Provider};
use crate::claims::Claims;
use crate::context::Context;
use crate::environment::Environment;
use crate::source::Detection;
use crate::token::holds_identity_token;
use crate::trust::Unverified;
use crate::url::HttpUrl;

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

    /// The platform that a job runs on, whether or not it gives this job tokens: CI platforms before cloud hosts. Offline.
    pub fn here(&self, context: &Context) -> Option<&Arc<dyn Provider>> {
        let is_here =
            |provider: &&Arc<dyn Provider>| !matches!(provider.detect(&Detection::new(context)), Ok(None));
        let of = |host| self.iter().filter(move |provider| provider.profile().host == host).find(is_here);
        [Host::Ci, Host::Cloud, Host::Named].into_iter().find_map(of)
    }

    /// The platform that an issuer belongs to, by the issuer's exact URL.
    pub fn for_issuer(&self, issuer: &str) -> Option<&Arc<dyn Provider>> {
        self.providers
            .iter()
            .find(|provider| provider.profile().issuers.iter().any(|known| &**known.url() == issuer))
    }
}

impl ProviderSet {
    /// The issuer of an identity token that one of the platforms made, which a text is; `None` for any other text, publish tokens
    /// that are JWTs among them. Nothing verifies the token.
    ///
    /// It is known by a platform's issuer, by an address below one (an enterprise's, an organization's), or by claims that a
    /// platform has in each of its tokens.
    pub fn identity_issuer(&self, text: &str) -> Option<String> {
        let claims = Unverified::<Claims>::of_token(text.trim()).ok()?;
        let claims = claims.read_unverified();
        let issuer = claims.text("iss")?;
        let is_of = |provider: &Arc<dyn Provider>| {
            let profile = provider.profile();
            profile.issuers.iter().any(|known| is_at_or_below(&issuer, known.url()))
                || (profile.host == Host::Ci && has_claims_of(profile, claims))
        };
        (HttpUrl::parse(&issuer).is_ok() && self.iter().any(is_of)).then(|| issuer.into_owned())
    }

    /// The variables of an environment that give the job's identity to whoever sees them: those that the platforms name
    /// ([`Provider::identity_variables`]), on whichever of them the job runs, and those that hold an identity token, whatever
    /// their names.
    ///
    /// A publish tool that runs others' code, such as build scripts, takes these from that code's environment. What a
    /// file, a command of the platform's or a metadata server gives stays within its reach.
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
        environment.names().filter(|name| is_named(name) || is_token(name)).collect()
    }
}

/// Whether an issuer is a platform's, or one at an address below it.
fn is_at_or_below(issuer: &str, known: &str) -> bool {
    let known = known.trim_end_matches('/');
    issuer.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether claims are all there that the platform has in each token, beside those that every issuer has.
fn has_claims_of(profile: &Profile, claims: &Claims) -> bool {
    let is_own = |rule: &&ClaimRule| rule.presence == Presence::Required && rule.form != Form::Registered;
    let mut own = profile.claims.iter().filter(is_own).peekable();
    own.peek().is_some() && own.all(|rule| claims.get(rule.name).is_some())
}

/// Whether a pattern with a `*` at either end, or none, is one of the name.
fn names(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
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
