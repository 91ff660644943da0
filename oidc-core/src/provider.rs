mod issuer;
mod rules;
mod set;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::issuer::Issuer;
pub use self::rules::{ComparedCase, ComparedWorkflow, RegistryRules};
pub use self::set::ProviderSet;
use crate::claims::Claims;
use crate::diagnosis::Diagnosis;
use crate::publisher::{InvalidPublisher, Mismatch, Pin, Publisher, PublisherField, Setting};
use crate::source::{Detection, SourceError, TokenSource};
use crate::token::Audience;
use crate::trust::{Unverified, Verified};

/// A CI platform, both halves: how a job gets its token, and what the token's claims mean.
pub trait Provider: fmt::Debug + Send + Sync {
    /// The platform's name in configuration and in logs, such as `github`.
    fn id(&self) -> &'static str;

    /// The platform's name for people, such as `GitHub Actions`.
    fn title(&self) -> &'static str;

    /// Its issuers, its algorithms, its lifetimes and its claims.
    fn profile(&self) -> &Profile;

    /// The client half: a ready source if the job runs on this platform, `None` if it doesn't. Offline.
    ///
    /// # Errors
    ///
    /// When the job runs on this platform, which gives it no tokens.
    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError>;

    /// The client half: the names of the variables by which a job here has identity tokens, asks for them, or finds a file that
    /// holds one or makes some. A `*` at either end of a name stands for any text.
    ///
    /// A program that runs others' code keeps it from seeing these; see [`ProviderSet::identity_variables`].
    fn identity_variables(&self) -> &'static [&'static str] {
        &[]
    }

    /// The registry half: whom a token speaks for, the key under which publishers are looked up.
    ///
    /// # Errors
    ///
    /// When a claim that it needs is missing or is not one.
    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch>;

    /// The registry half: every identity under which a publisher that accepts this token may be stored, [`Provider::identify`]'s
    /// among them. More than one only where the publisher, and not the platform, says which claim it is found by.
    ///
    /// # Errors
    ///
    /// As [`Provider::identify`].
    fn identities(&self, claims: &Verified<Claims>) -> Result<Vec<Identity>, Mismatch> {
        Ok(vec![self.identify(claims)?])
    }

    /// The registry half: the immutable id of the token's own repository or project, by which its publishers are found where it
    /// was renamed. Its claim is the key in a publisher's configuration. `None` where the platform has no such
    /// id, or the token doesn't tell it.
    ///
    /// Never the id of anything larger, such as an organisation: whoever has it is told what the publisher expects.
    fn immutable_id(&self, _claims: &Verified<Claims>) -> Option<Pin> {
        None
    }

    /// The fields that a publisher's configuration has, the required ones first: its JSON keys, what each is compared with,
    /// and what a person is told about it.
    fn publisher_fields(&self) -> &'static [PublisherField];

    /// The registry half: a publisher from its configuration, a JSON object with [`Provider::publisher_fields`] as its
    /// keys.
    ///
    /// # Errors
    ///
    /// When keys are missing, unknown, or hold what can't match any token: with every such fault.
    fn publisher(&self, config: &serde_json::Value) -> Result<Box<dyn Publisher>, InvalidPublisher>;

    /// The client half: what a publisher that lets this token's job in is configured with, field by field. A platform
    /// says so itself where a value is not the claim as it is.
    fn settings(&self, claims: &Unverified<Claims>) -> Vec<Setting> {
        self.publisher_fields().iter().map(|field| Setting::of_claim(field, claims)).collect()
    }

    /// The client half: what about this token's job keeps registries from letting it in, or is easily overlooked when a
    /// publisher is configured.
    fn advise(&self, _claims: &Unverified<Claims>) -> Vec<Diagnosis> {
        Vec::new()
    }

    /// The client half: the same platform as a registry with these rules sees it, for [`Provider::settings`],
    /// [`Provider::advise`] and what a publisher explains. `None` where the rules change nothing.
    fn comparing(&self, _rules: RegistryRules) -> Option<Arc<dyn Provider>> {
        None
    }

    /// How a person gets another identity token for a job whose token was used up or has expired: a clause for the end of
    /// a message. `variable` names the one that the registry's users put a token into, where there is one.
    fn renewal(&self, _variable: Option<&str>) -> Cow<'static, str> {
        Cow::Borrowed("get a new one from the platform")
    }

    /// The client half: how a job puts an identity token for `audience` into the variable `name`, for tools that read one and
    /// ask no platform. A clause for the end of a message, with the whole line to write; `None` where the platform has no
    /// such line.
    fn variable_line(&self, _name: &str, _audience: &Audience) -> Option<String> {
        None
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
