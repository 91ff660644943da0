//! The check of a service that admits certain jobs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Reason, Verifier, VerifyError};
use crate::claims::Claims;
use crate::codes;
use crate::diagnosis::{Diagnosis, Target};
use crate::proof::Verified;
use crate::provider::UnknownPlatform;
use crate::publisher::{InvalidPublisher, Mismatch, Publisher};

/// The check of a service that admits certain jobs and issues no tokens of its own: a verifier, and the publishers
/// whose jobs are admitted.
///
/// A verified token alone is not enough, since every repository of a platform gets such tokens. A gate therefore
/// returns the claims of a job only if one of the publishers accepts it, by the same rules as in a registry: the token has
/// the publisher's [identity](crate::Provider::identities) and passes its [check](Publisher::check).
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
/// let gate = Gate::new(verifier).allow("fake", None, rules)?;
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

    /// Admits the jobs of a publisher. `platform` is the name of one of the verifier's platforms, and `issuer` one of its
    /// issuers, which may be left out where the platform has only one. `rules` are the platform's typed form, such as
    /// `GitHubPublisher`, or JSON. The rules contain an immutable id where the platform has any, since a name may
    /// change hands.
    ///
    /// # Errors
    ///
    /// When the verifier does not have the platform or the issuer, the platform refuses the rules, or the rules contain
    /// none of the ids that a registry would [learn](crate::PublisherField::learned).
    pub fn allow(
        self,
        platform: &str,
        issuer: Option<&str>,
        rules: impl Into<Value>,
    ) -> Result<Self, InvalidGate> {
        let (rules, platforms) = (rules.into(), self.verifier.platforms());
        let fields = platforms.choose(platform, issuer)?.fields_of(&rules).iter();
        let ids: Vec<&str> = fields.filter(|field| field.learned).map(|field| field.key).collect();
        let is_there = |id: &&str| rules.get(id).is_some_and(|value| !value.is_null());
        // A fault of the rules themselves is the first thing to know.
        let gate = self.allow_by_name(platform, issuer, rules.clone())?;
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
    /// When the verifier does not have the platform or the issuer, or the platform refuses the rules.
    pub fn allow_by_name(
        mut self,
        platform: &str,
        issuer: Option<&str>,
        rules: impl Into<Value>,
    ) -> Result<Self, InvalidGate> {
        let platforms = self.verifier.platforms();
        self.allowed.push(platforms.choose(platform, issuer)?.publisher(&rules.into())?.into());
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

    /// Does the same as [`Gate::admit`] with the token that a request carries as `Authorization: Bearer TOKEN`. The error is
    /// an answer to the request: a handler of axum returns it as it is.
    ///
    /// ```
    /// use http::{HeaderMap, Response};
    /// use oidc_core::verify::Gate;
    ///
    /// async fn deploy(gate: &Gate, headers: &HeaderMap) -> Result<String, Response<String>> {
    ///     let job = gate.admit_in(headers).await?;
    ///     Ok(format!("a job of {}", job.text("repository").unwrap_or_default()))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As those of [`Gate::admit`], and when the request has no bearer token, or several.
    #[cfg(feature = "http")]
    pub async fn admit_in(&self, headers: &::http::HeaderMap) -> Result<Verified<Claims>, GateError> {
        match crate::http::authorization(headers) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => self.admit(token).await,
            Some(_) | None => Err(GateError::NoToken),
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
    let problem = "the platform finds the publisher's identity in other tokens than the publisher accepts";
    let fix = "let the platform's `Provider::identities` return the identity of every publisher that accepts the token";
    Mismatch::new(Diagnosis::new(codes::CLAIM_DIFFERS, Target::Platform, problem).fix(fix))
}

/// A publisher that a [`Gate`] can't admit.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidGate {
    /// The platform refuses the rules.
    #[error(transparent)]
    Publisher(#[from] InvalidPublisher),
    /// The verifier does not have the platform or the issuer.
    #[error(transparent)]
    Platform(#[from] UnknownPlatform),
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
    /// The request has no bearer token, or several.
    #[error("no identity token was sent: send one as `Authorization: Bearer TOKEN`")]
    NoToken,
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
            Self::NoToken | Self::Token(_) => 401,
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
            Self::NoToken | Self::Job(_) | Self::Nobody => None,
        }
    }
}

#[cfg(feature = "http")]
impl From<GateError> for ::http::Response<String> {
    /// The answer to a refused request: the [status](GateError::status), the refusal as text, and `WWW-Authenticate` or
    /// `Retry-After`.
    fn from(refused: GateError) -> Self {
        use ::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

        let mut answer = Self::new(refused.to_string());
        *answer.status_mut() =
            ::http::StatusCode::from_u16(refused.status()).unwrap_or(::http::StatusCode::FORBIDDEN);
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Some(wait) = refused.retry_after() {
            headers.insert(RETRY_AFTER, wait.as_secs().max(1).into());
        } else if refused.status() == 401 {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}
