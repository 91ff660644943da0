mod algorithm;
mod choice;
mod claim_rule;
mod issuer;
mod rules;
mod set;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::algorithm::Algorithm;
pub use self::choice::UnknownPlatform;
pub use self::claim_rule::{ClaimRule, ClaimType, ClaimUse};
use self::claim_rule::{EVERYWHERE, JTI};
pub use self::issuer::Issuer;
pub use self::rules::{ComparedCase, ComparedWorkflow, RegistryRules};
#[cfg(feature = "testing")]
pub(crate) use self::set::names;
pub use self::set::{IntoProvider, ProviderSet};
use crate::claims::Claims;
use crate::diagnosis::Diagnosis;
use crate::identity::Identity;
use crate::proof::{Unverified, Verified};
use crate::publisher::{FieldValue, ImmutableId, InvalidPublisher, Mismatch, Publisher, PublisherField};
use crate::run::Run;
use crate::source::{Detection, SourceError, TokenSource};
use crate::token::Audience;

/// A CI platform, both halves: the way in which a job gets its identity token, and the meaning of the token's
/// claims.
///
/// Variables, answers, configurations and tokens are hostile. None of them makes a method panic, and every
/// message about them is one line, bounded, and without a secret. `testing::conformance` (feature `testing`)
/// is a suite that checks a platform against this documentation.
pub trait Provider: fmt::Debug + Send + Sync {
    /// The platform's name in configuration and in logs, such as `github`: lower-case letters, digits, `-` and `_`.
    fn id(&self) -> &'static str;

    /// The platform's name for people, such as `GitHub Actions`.
    fn title(&self) -> &'static str;

    /// The platform's issuers, algorithms, lifetimes and claims. The table of claims has each claim once.
    fn profile(&self) -> &Profile;

    /// The client half: a ready token source if the job runs on this platform, `None` if it does not.
    ///
    /// Detection is offline: it reads variables and files, sends no request and runs no command. A job on this
    /// platform that may not have tokens, or whose configuration asks for none, is an error and never `None`,
    /// since `None` lets the search go on with another platform. Where only the source can find out,
    /// [`TokenSource::token`] returns that error.
    ///
    /// # Errors
    ///
    /// When the job runs on this platform and the platform gives it no tokens, with what to change
    /// ([`Diagnosis::fix`]).
    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError>;

    /// The client half: the names of the variables that [`detect`](Provider::detect) and its token source look up, for a
    /// host that has to allow each of them, or whose [environment is a function](crate::Environment::from_fn). A `*` at either
    /// end of a name stands for any text, where a job names variables itself. Variables that
    /// [`Detection::token_variables`] names are not among them. See [`ProviderSet::source_variables`].
    fn source_variables(&self) -> &'static [&'static str] {
        &[]
    }

    /// The client half: the names of the variables that give a job on this platform its identity. They hold
    /// identity tokens, give access to the endpoint that issues them, or name a file that holds one. A `*` at
    /// either end of a name stands for any text.
    ///
    /// A program that runs foreign code keeps these variables from it; see
    /// [`ProviderSet::identity_variables`]. Without them that code gets no token, unless a file, a command or a
    /// metadata server gives it one.
    fn identity_variables(&self) -> &'static [&'static str] {
        &[]
    }

    /// The registry half: the identity that a token proves, by which publishers are looked up. Its issuer is
    /// the token's own.
    ///
    /// # Errors
    ///
    /// When a claim of the identity is missing or invalid.
    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch>;

    /// The registry half: every identity under which a publisher that accepts this token may be stored,
    /// including that of [`Provider::identify`]. Every publisher whose check accepts a token is found by one of
    /// them. There is more than one only where the publisher, and not the platform, chooses the claim by which
    /// it is looked up.
    ///
    /// # Errors
    ///
    /// As [`Provider::identify`].
    fn identities(&self, claims: &Verified<Claims>) -> Result<Vec<Identity>, Mismatch> {
        Ok(vec![self.identify(claims)?])
    }

    /// The registry half: the immutable id of the repository or project that one of the token's
    /// [identities](Provider::identities) names. Its publishers are found by this id after a rename. Its claim is the
    /// key in a publisher's configuration. `None` where the platform has no such id, or the token does not contain
    /// it. A publisher with this id refuses a token that has the id and another name as [`Mismatch::renamed`].
    ///
    /// Never return the id of anything larger than the identity, such as that of an organization for a repository:
    /// the holder of a token with this id is told what the publisher expects.
    fn immutable_id(&self, _identity: &Identity, _claims: &Verified<Claims>) -> Option<ImmutableId> {
        None
    }

    /// The fields of a publisher's configuration, the most important first: the required ones, the
    /// [recommended](PublisherField::recommended) ones, all others. Each has its JSON key, the claim that it is compared
    /// with, and its explanation for people.
    ///
    /// A registry's settings page is made of them by `oidc_exchange::server::Trust::form`. A page of one's own offers the
    /// issuers of [`ProviderSet::issuers`]; [`ProviderSet::for_issuer`] returns the platform of the chosen one.
    ///
    /// Keys are unique. The claim of each field is in the profile's table of claims, is read by the rule, and is
    /// immutable if the field is. A publisher is looked up by at least one field.
    fn publisher_fields(&self) -> &'static [PublisherField];

    /// The fields of the kind of publisher that a configuration describes, on a platform with several kinds, such as publishers
    /// for one repository and for an owner. Usually those of [`Provider::publisher_fields`].
    fn fields_of(&self, _config: &serde_json::Value) -> &'static [PublisherField] {
        self.publisher_fields()
    }

    /// The registry half: makes a publisher from its configuration, a JSON object with the keys of
    /// [`Provider::publisher_fields`]. A key that is `null` is absent, and every key that is not required may be.
    ///
    /// # Errors
    ///
    /// When keys are missing or unknown, or hold a value that can't match any token. The error contains every
    /// such fault, each with its field and what to write. A value of another type than its field's is a fault,
    /// and so is a text that is empty, has white space around it, holds invisible characters or is longer than
    /// any claim; [`InvalidPublisher::check_config`] finds all of these.
    fn publisher(&self, config: &serde_json::Value) -> Result<Box<dyn Publisher>, InvalidPublisher>;

    /// The client half: the configuration of a publisher that accepts this token's job, field by field. A
    /// platform overrides it where a field's value is not the claim as it is.
    fn settings(&self, claims: &Unverified<Claims>) -> Vec<FieldValue> {
        self.publisher_fields().iter().map(|field| FieldValue::of_claim(field, claims)).collect()
    }

    /// The client half: properties of this token's job that keep registries from accepting it, or that are
    /// easily overlooked when a publisher is configured.
    fn advise(&self, _claims: &Unverified<Claims>) -> Vec<Diagnosis> {
        Vec::new()
    }

    /// The client half: the same platform under the rules of one registry, for [`Provider::settings`],
    /// [`Provider::advise`] and [`Publisher::explain`]. `None` where the rules change nothing.
    fn comparing(&self, _rules: RegistryRules) -> Option<Arc<dyn Provider>> {
        None
    }

    /// The way for a person to get another identity token for a job whose token was used up or has expired: a
    /// clause for the end of a message. `variable` is the variable that the registry's users put a token
    /// into, where there is one.
    fn renewal(&self, _variable: Option<&str>) -> Cow<'static, str> {
        Cow::Borrowed("get a new one from the platform")
    }

    /// The client half: the line of configuration with which a job puts an identity token for `audience` into
    /// the variable `name`, for tools that read a variable and ask no platform. A clause for the end of a
    /// message, with the whole line; `None` where the platform has no such line.
    fn variable_line(&self, _name: &str, _audience: &Audience) -> Option<String> {
        None
    }

    /// The run that a token was made for, for logs and for a version's history.
    fn run(&self, claims: &Verified<Claims>) -> Run;
}

/// The properties of a platform that a registry needs to verify its tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// The kind of provider: a CI platform, or a cloud host that CI runs on.
    pub kind: ProviderKind,
    /// The issuers whose tokens this provider understands. Each issuer is opted into separately.
    pub issuers: Vec<Issuer>,
    /// The signature algorithms that the platform uses. They are never taken from a token.
    pub algorithms: &'static [Algorithm],
    /// The longest lifetime of a token, `exp - iat`.
    pub max_lifetime: Duration,
    /// The id by which a token is recognized when it is used again.
    pub replay: ReplaySource,
    /// Every claim that the platform is known to put into a token, beside those that every platform has: `iss`, `aud`, `exp`, `iat`,
    /// `nbf` and `jti`.
    pub claims: &'static [ClaimRule],
    /// The prefixes of claim names that are known as well and ignored, since the rest of the name is the
    /// user's choice.
    pub claim_prefixes: &'static [&'static str],
}

impl Profile {
    /// A profile of a CI platform with RS256, tokens that live at most an hour, and `jti`.
    pub fn new(issuers: Vec<Issuer>, claims: &'static [ClaimRule]) -> Self {
        Self {
            kind: ProviderKind::Ci,
            issuers,
            algorithms: &[Algorithm::Rs256],
            max_lifetime: Duration::from_secs(3600),
            replay: ReplaySource::Jti,
            claims,
            claim_prefixes: &[],
        }
    }

    /// Returns the platform's rule for a claim. Every platform has one for registered claims such as `iss`.
    pub fn rule(&self, claim: &str) -> Option<&'static ClaimRule> {
        let [required, ignored] = &JTI;
        let jti = if self.replay == ReplaySource::Jti { required } else { ignored };
        self.claims.iter().chain(EVERYWHERE).chain([jti]).find(|rule| rule.name == claim)
    }
}

/// The kind of provider, which decides the order of detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderKind {
    /// Not a platform that a job can detect: the author of the job names the place of the token. Asked before
    /// all others.
    Named,
    /// A CI platform.
    Ci,
    /// A cloud host. Asked after all CI platforms.
    Cloud,
}

/// The id by which a token is recognized when it is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplaySource {
    /// The `jti` claim, which is then required.
    Jti,
    /// A digest of the signed bytes, for platforms that declare no `jti`.
    Digest,
}
