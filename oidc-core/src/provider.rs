use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::claims::Claims;
use crate::diagnosis::Diagnosis;
use crate::publisher::{InvalidPublisher, Mismatch, Publisher, Setting};
use crate::source::{Detection, SourceError, TokenSource};
use crate::trust::{Unverified, Verified};
use crate::url::{HttpUrl, InvalidUrl};

/// A CI platform, both halves: how a job gets its token, and what the token's claims mean.
pub trait Provider: fmt::Debug + Send + Sync {
    /// The platform's name in configuration and in logs, such as `github`.
    fn id(&self) -> &'static str;

    /// Its issuers, its algorithms, its lifetimes and its claims.
    fn profile(&self) -> &Profile;

    /// The client half: a ready source if the job runs on this platform, `None` if it doesn't. Offline.
    ///
    /// # Errors
    ///
    /// When the job runs on this platform, which gives it no tokens.
    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError>;

    /// The registry half: whom a token speaks for, the key under which publishers are looked up.
    ///
    /// # Errors
    ///
    /// When a claim that it needs is missing or is not one.
    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch>;

    /// The registry half: a publisher from its configuration, a JSON object whose keys the platform documents.
    ///
    /// # Errors
    ///
    /// When a key is missing, unknown, or holds what can't match any token.
    fn publisher(&self, config: &serde_json::Value) -> Result<Box<dyn Publisher>, InvalidPublisher>;

    /// The client half: what a publisher that lets this token's job in is configured with. Empty where the platform
    /// can't say.
    fn settings(&self, _claims: &Unverified<Claims>) -> Vec<Setting> {
        Vec::new()
    }

    /// The client half: what about this token's job keeps registries from letting it in, or is easily overlooked when a
    /// publisher is configured.
    fn advise(&self, _claims: &Unverified<Claims>) -> Vec<Diagnosis> {
        Vec::new()
    }

    /// How a person gets another identity token for a job whose token was used up or has expired: a clause for the end of
    /// a message.
    fn renewal(&self) -> &'static str {
        "get a new one from the platform"
    }

    /// The run that a token was made for, for logs and for a version's history.
    fn run(&self, claims: &Verified<Claims>) -> Run;
}

/// What a registry needs to know of a platform to verify its tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Whether it is a CI platform or a host that CI runs on.
    pub host: Host,
    /// The issuers whose tokens this provider understands, each on its own opted into.
    pub issuers: Vec<Issuer>,
    /// The signature algorithms it uses. Never taken from a token.
    pub algorithms: &'static [Algorithm],
    /// `exp - iat` may be this long.
    pub max_lifetime: Duration,
    /// What makes a token the same token.
    pub replay: Replay,
    /// Every claim that the platform is known to put into a token.
    pub claims: &'static [ClaimRule],
    /// Names of claims that begin so are known too, and ignored: their rest is the user's choice.
    pub claim_prefixes: &'static [&'static str],
}

impl Profile {
    /// A profile of a CI platform with RS256, tokens of at most an hour, and `jti`.
    pub fn new(issuers: Vec<Issuer>, claims: &'static [ClaimRule]) -> Self {
        Self {
            host: Host::Ci,
            issuers,
            algorithms: &[Algorithm::Rs256],
            max_lifetime: Duration::from_secs(3600),
            replay: Replay::Jti,
            claims,
            claim_prefixes: &[],
        }
    }

    /// The rule for a claim, if the platform's table names it.
    pub fn rule(&self, claim: &str) -> Option<&'static ClaimRule> {
        self.claims.iter().find(|rule| rule.name == claim)
    }
}

/// Whether a provider is a CI platform or a host that CI runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// None that a job finds itself on: whoever set the job up names where its token is. Asked before all others.
    Named,
    /// A CI platform.
    Ci,
    /// A cloud host, asked after all CI platforms.
    Cloud,
}

/// What makes a token the same token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Replay {
    /// The `jti` claim, which is then required.
    Jti,
    /// A digest of the signed bytes, for platforms that declare no `jti`.
    Digest,
}

/// A signature algorithm (RFC 7518, section 3; RFC 8037, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// EdDSA with Ed25519.
    EdDsa,
}

impl Algorithm {
    /// The name in a token's header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this name; names are case-sensitive (RFC 7515, section 4.1.1).
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256, Self::EdDsa].into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// One issuer of identity tokens, as it is configured. A token only selects among these.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Issuer {
    url: Arc<str>,
    /// Hosts beside the issuer's own that its keys may be fetched from.
    pub key_hosts: Vec<String>,
    /// The keys themselves (a JWK set, RFC 7517 section 5), for registries that can't reach the issuer.
    pub keys: Option<serde_json::Value>,
    /// Another bound on the tokens' lifetime than the profile's.
    pub max_lifetime: Option<Duration>,
}

impl Issuer {
    /// An issuer by its URL, which is compared with `iss` byte by byte.
    ///
    /// # Errors
    ///
    /// When it is not https (http on loopback), or has a query (OpenID Connect Discovery 1.0, section 3).
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        HttpUrl::parse(url)?;
        if url.contains('?') {
            return Err(InvalidUrl::new(url, "an issuer has no query"));
        }
        Ok(Self::constant(url))
    }

    /// An issuer that is a constant of a platform.
    pub fn constant(url: &str) -> Self {
        Self { url: url.into(), key_hosts: Vec::new(), keys: None, max_lifetime: None }
    }

    /// The URL, as configured.
    pub fn url(&self) -> &Arc<str> {
        &self.url
    }

    /// With keys that are configured (a JWK set, RFC 7517 section 5), and never fetched.
    #[must_use]
    pub fn with_keys(mut self, jwks: serde_json::Value) -> Self {
        self.keys = Some(jwks);
        self
    }

    /// With another bound on the tokens' lifetime, `exp - iat`, than the platform's.
    #[must_use]
    pub fn with_max_lifetime(mut self, limit: Duration) -> Self {
        self.max_lifetime = Some(limit);
        self
    }

    /// This issuer as far as `other` doesn't say otherwise.
    #[cfg(feature = "verify")]
    fn with_settings_of(mut self, other: &Self) -> Self {
        self.key_hosts.extend(other.key_hosts.iter().cloned());
        self.keys = other.keys.clone().or(self.keys);
        self.max_lifetime = other.max_lifetime.or(self.max_lifetime);
        self
    }
}

/// One claim that a platform puts into its tokens.
///
/// One table of these for each platform drives the check, the explanation and the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimRule {
    /// The claim's name.
    pub name: &'static str,
    /// What the registry does with it.
    pub presence: Presence,
    /// What its value must be where it is required.
    pub form: Form,
    /// Whether its value outlives a rename: an id, as against a name that somebody else may take later.
    pub immutable: bool,
}

impl ClaimRule {
    /// A claim without which no token is accepted: a text with something in it.
    pub const fn required(name: &'static str) -> Self {
        Self::new(name, Presence::Required, Form::Text)
    }

    /// A claim without which no token is accepted: a text, which is empty in some jobs.
    pub const fn required_or_empty(name: &'static str) -> Self {
        Self::new(name, Presence::Required, Form::TextOrEmpty)
    }

    /// A claim without which no token is accepted: JSON's `true` or `false`.
    pub const fn required_flag(name: &'static str) -> Self {
        Self::new(name, Presence::Required, Form::Flag)
    }

    /// A claim of every platform that the verifier reads itself: `iss`, `aud`, `exp`, `iat`, `jti`.
    pub const fn registered(name: &'static str) -> Self {
        Self::new(name, Presence::Required, Form::Registered)
    }

    /// A claim that a rule reads if the publisher asks for it.
    pub const fn optional(name: &'static str) -> Self {
        Self::new(name, Presence::Optional, Form::Text)
    }

    /// A claim that no rule reads.
    pub const fn ignored(name: &'static str) -> Self {
        Self::new(name, Presence::Ignored, Form::Text)
    }

    const fn new(name: &'static str, presence: Presence, form: Form) -> Self {
        Self { name, presence, form, immutable: false }
    }

    /// As an immutable id.
    #[must_use]
    pub const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }
}

/// What the value of a required claim must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// A text with something in it.
    Text,
    /// A text.
    TextOrEmpty,
    /// JSON's `true` or `false`.
    Flag,
    /// What RFC 7519, section 4.1 says of it; the verifier has a rule of its own for each.
    Registered,
}

/// What a registry does with a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Presence {
    /// A token without it is refused.
    Required,
    /// It is read where a publisher asks for it.
    Optional,
    /// It is known, and read by no rule.
    Ignored,
}

/// Whom a token speaks for: an issuer, and a key among that issuer's, such as a repository.
///
/// Publishers are looked up by it. It is never (provider, key), so that a self-managed instance can never speak
/// for the public one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The issuer, as configured.
    pub issuer: String,
    /// The key, with the platform's one casing rule applied.
    pub key: String,
}

impl Identity {
    /// An identity from its two parts.
    pub fn new(issuer: impl Into<String>, key: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), key: key.into() }
    }
}

/// The run that a token was made for. It holds no personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// The repository or project, in the platform's spelling.
    pub repository: Option<String>,
    /// A link to the run or job for a person.
    pub url: Option<String>,
    /// The commit.
    pub sha: Option<String>,
    /// The branch or tag.
    pub r#ref: Option<String>,
}

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
        let settings = self.settings.iter().filter(|settings| settings.url == issuer.url);
        settings.fold(issuer.clone(), Issuer::with_settings_of)
    }

    /// An issuer that there are settings for, and no platform.
    pub(crate) fn without_platform(&self) -> Option<&Issuer> {
        self.settings.iter().find(|settings| self.for_issuer(&settings.url).is_none())
    }
}

impl FromIterator<Arc<dyn Provider>> for ProviderSet {
    fn from_iter<I: IntoIterator<Item = Arc<dyn Provider>>>(providers: I) -> Self {
        Self { providers: providers.into_iter().collect(), settings: Vec::new() }
    }
}

#[cfg(all(test, feature = "verify"))]
mod tests {
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
        let Issuer { url, key_hosts, keys, max_lifetime } = set.configured(&platforms);
        assert_eq!(&*url, "https://issuer.example");
        assert_eq!(key_hosts, ["keys.example", "more.example"]);
        assert_eq!(keys, Some(serde_json::json!({})));
        assert_eq!(max_lifetime, Some(Duration::from_secs(60)));
    }
}
