//! The check of a service that admits certain jobs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Reason, Verifier, VerifyError};
use crate::claims::Claims;
use crate::codes;
use crate::diagnosis::{Diagnosis, Target};
use crate::proof::Verified;
use crate::provider::Provider;
use crate::publisher::{InvalidPublisher, Mismatch, Publisher};
use crate::text::shown;

/// The check of a service that admits certain jobs and issues no tokens of its own: a verifier, and the publishers
/// whose jobs are admitted.
///
/// A verified token alone is not enough, since every repository of a platform gets such tokens. A gate therefore
/// returns the claims of a job only if one of the publishers accepts it, by the same rules as in a registry: the token has
/// the publisher's [identity](Provider::identities) and passes its [check](Publisher::check).
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use oidc_core::testing::FakePlatform;
/// use oidc_core::verify::{Gate, Verifier, backend::AwsLc};
/// use oidc_core::{Audience, ProviderSet};
/// # use serde_json::json;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let (platform, now) = (FakePlatform::new(), FakePlatform::NOW);
/// let audience = Audience::new("https://deploy.example")?;
/// let verifier = Verifier::new(AwsLc, [audience], &ProviderSet::of(platform.clone()), &platform.registry())?;
/// let rules = json!({ "repository": "acme/widget", "workflow": "publish.yml", "repository_id": "2" });
/// let gate = Gate::new(verifier).allow(&platform, rules)?;
///
/// let job = gate.admit(&platform.token("https://deploy.example", now)).await?;
/// assert_eq!(job.text("repository").as_deref(), Some("acme/widget"));
///
/// let stranger = platform.with_claim("repository", "evil/widget").token("https://deploy.example", now);
/// let refused = gate.admit(&stranger).await.unwrap_err();
/// assert_eq!(refused.status(), 403);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Cloning is cheap. Jobs with different rights have a gate each, over clones of one verifier, which share their keys.
///
/// # What it does not do
///
/// A gate stores nothing. It accepts a token as often as it is presented until the token expires. Where a second use must be
/// refused, store the token's [`Verified::replay_key`] until [`Verified::accepted_until`], and refuse a token whose key is
/// stored. It learns no ids: they are configured.
#[derive(Clone, Debug)]
pub struct Gate {
    verifier: Verifier,
    allowed: Vec<Arc<dyn Publisher>>,
}

impl Gate {
    /// A gate over a verifier. It admits nobody until [`Gate::allow`] adds publishers.
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier, allowed: Vec::new() }
    }

    /// Admits the jobs of a publisher of this platform. `rules` are the platform's typed form, such as
    /// `GitHubPublisher`, or JSON. The rules contain an immutable id where the platform has any, since a name may
    /// change hands.
    ///
    /// # Errors
    ///
    /// When the platform refuses the rules, its issuer is not one of the verifier's, or the rules contain none of the
    /// ids that a registry would [learn](crate::PublisherField::learned).
    pub fn allow(self, platform: &dyn Provider, rules: impl Into<Value>) -> Result<Self, InvalidGate> {
        let rules = rules.into();
        let ids = platform.fields_of(&rules).iter().filter(|field| field.learned).map(|field| field.key);
        let ids: Vec<&str> = ids.collect();
        let is_there = |id: &&str| rules.get(id).is_some_and(|value| !value.is_null());
        // A fault of the rules themselves is the first thing to know.
        let gate = self.allow_by_name(platform, rules.clone())?;
        match ids.iter().any(is_there) || ids.is_empty() {
            true => Ok(gate),
            false => Err(InvalidGate::NoId { ids: ids.join("` or `") }),
        }
    }

    /// Admits the jobs of a publisher as [`Gate::allow`] does, also without an immutable id: whoever owns the
    /// repository's name next is then admitted as well. For platforms whose tokens have no ids yet, such as Forgejo 15.
    ///
    /// # Errors
    ///
    /// When the platform refuses the rules, or its issuer is not one of the verifier's.
    pub fn allow_by_name(
        mut self,
        platform: &dyn Provider,
        rules: impl Into<Value>,
    ) -> Result<Self, InvalidGate> {
        let publisher = platform.publisher(&rules.into())?;
        let issuer = publisher.identity().issuer;
        if !self.verifier.trusts(&issuer) {
            return Err(InvalidGate::Issuer { issuer: shown(&issuer).to_string() });
        }
        self.allowed.push(publisher.into());
        Ok(self)
    }

    /// Verifies a token and returns its claims if one of the publishers accepts its job.
    ///
    /// # Errors
    ///
    /// When the token is refused, or its job is not allowed.
    pub async fn admit(&self, token: &str) -> Result<Verified<Claims>, GateError> {
        let claims = self.verifier.verify(token).await?;
        match self.refusal(&claims) {
            Some(refusal) => Err(refusal),
            None => Ok(claims),
        }
    }

    /// The refusal of a verified job; `None` if it is admitted. Of several publishers, the one of the job's own
    /// repository says why.
    fn refusal(&self, claims: &Verified<Claims>) -> Option<GateError> {
        let identities = match self.verifier.provider_of(claims).map(|platform| platform.identities(claims)) {
            Some(Ok(identities)) => identities,
            Some(Err(mismatch)) => return Some(mismatch.into()),
            None => Vec::new(),
        };
        let mut refusal = GateError::Nobody;
        for publisher in &self.allowed {
            let is_of = identities.contains(&publisher.identity());
            match publisher.check(claims) {
                Ok(_) if is_of => return None,
                Ok(_) if matches!(refusal, GateError::Nobody) => refusal = not_found().into(),
                Err(mismatch) if is_of || matches!(refusal, GateError::Nobody) => refusal = mismatch.into(),
                Ok(_) | Err(_) => {}
            }
        }
        Some(refusal)
    }
}

/// The mismatch of a token that a registry would not compare with the publisher at all, since publishers are looked up by
/// the token's identities.
fn not_found() -> Mismatch {
    let problem = "by the verifier's platform, the token does not have the publisher's identity";
    let fix = "make the publisher and the verifier with the same platform";
    Mismatch::new(Diagnosis::new(codes::CLAIM_DIFFERS, Target::Platform, problem).fix(fix))
}

/// A publisher that a [`Gate`] can't admit.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidGate {
    /// The platform refuses the rules.
    #[error(transparent)]
    Publisher(#[from] InvalidPublisher),
    /// The verifier accepts no token of the publisher's issuer.
    #[error(
        "the gate's verifier does not accept tokens of the issuer `{issuer}`: make it with this platform"
    )]
    Issuer {
        /// The issuer, fit to be shown.
        issuer: String,
    },
    /// The rules name a repository or project and none of its immutable ids.
    #[error(
        "a gate stores no ids, so that the next owner of a name would be admitted: configure `{ids}`, or allow the publisher by its name"
    )]
    NoId {
        /// The keys of the ids, of which one is enough.
        ids: String,
    },
}

/// The refusal of a job by a [`Gate`].
///
/// `Display` may be sent to the caller: it contains what the caller's own token says, and nothing of what is allowed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The token is refused.
    #[error(transparent)]
    Token(#[from] VerifyError),
    /// The token is genuine, and its job is none of those that are allowed.
    #[error(transparent)]
    Job(#[from] Mismatch),
    /// The gate has no publishers.
    #[error("no job is admitted here")]
    Nobody,
}

impl GateError {
    /// Returns the HTTP status of an answer: 401 for a refused token, 403 for a job that is not allowed, 503 where the
    /// platform's keys can't be fetched.
    pub fn status(&self) -> u16 {
        match self {
            Self::Token(_) if self.retry_after().is_some() => 503,
            Self::Token(_) => 401,
            Self::Job(_) | Self::Nobody => 403,
        }
    }

    /// Returns the time after which the same token may be accepted, where the platform's keys can't be fetched now: the
    /// answer's `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Token(error) => match error.reason() {
                Reason::KeysUnavailable { retry_after, .. } => Some(*retry_after),
                _ => None,
            },
            Self::Job(_) | Self::Nobody => None,
        }
    }
}
