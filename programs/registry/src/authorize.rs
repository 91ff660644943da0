//! Who may do what: the seam between hosting and whatever issued the tokens.

use async_trait::async_trait;
use axum::http::StatusCode;
use oidc_exchange::server::{Package, TokenHash};
use serde::{Deserialize, Serialize};

/// What a request wants to do to one package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Add a version, and create the package when the principal may.
    Publish,
    /// Move or remove a distribution tag.
    SetTag,
    /// See the package's metadata and tarballs.
    Read,
    /// See and change who may publish the package.
    ManageTrust,
}

impl Action {
    /// Whether it changes what people install.
    pub(super) fn is_of_content(self) -> bool {
        match self {
            Self::Publish | Self::SetTag => true,
            Self::Read | Self::ManageTrust => false,
        }
    }
}

/// On whose behalf a request is made.
///
/// Stored with every version in its serialized form, so that one gets from a version to the run that published it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Principal {
    /// Nobody in particular. Sees public packages.
    Anonymous,
    /// The registry's administrator.
    Admin,
    /// A CI job that exchanged its identity for a token of this package.
    TrustedPublisher {
        /// The platform, as in `github`.
        provider: String,
        /// The issuer of the job's identity.
        #[serde(default)]
        issuer: String,
        /// The registry's own id of the trusted publisher that matched.
        publisher: String,
        /// What identifies the run, in the platform's own terms.
        run: serde_json::Value,
        /// Whether the publisher is still to create the package, and may do nothing to one that exists.
        may_create: bool,
        /// The pending publisher that creates the package if there is none yet, where `publisher` is another: one for a prefix of
        /// names, which creates no package.
        #[serde(skip)]
        creator: Option<String>,
        /// The publish token, by which the transaction that publishes asks whether it is still valid. It is not stored.
        #[serde(skip)]
        token: Option<TokenHash>,
        /// What the trusted publisher is configured for: the package, or a prefix of its name. It is not stored.
        #[serde(skip)]
        of: Option<Box<Package>>,
    },
}

impl Principal {
    /// Whether a publish by this principal creates a package that doesn't exist.
    #[must_use]
    pub fn may_create(&self) -> bool {
        matches!(
            self,
            Self::Admin
                | Self::TrustedPublisher { may_create: true, .. }
                | Self::TrustedPublisher { creator: Some(_), .. }
        )
    }

    /// The principal of a publish that creates its package, if it `is_new`: with the publisher that does it.
    #[must_use]
    pub fn creating(&self, is_new: bool) -> Self {
        let mut by = self.clone();
        if let Self::TrustedPublisher { publisher, may_create, creator, .. } = &mut by
            && is_new
            && let Some(creator) = creator.take()
        {
            (*publisher, *may_create) = (creator, true);
        }
        by
    }
}

/// Why a principal may not do what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The status to answer with.
    pub status: StatusCode,
    /// What to tell the caller. Control characters are escaped when it is sent.
    pub message: String,
}

/// What a principal did or tried to do, when it is known what came of it.
#[derive(Debug, Clone)]
pub struct Use<'a> {
    /// What.
    pub action: Action,
    /// The package.
    pub package: &'a str,
    /// The version, where one was published.
    pub version: Option<&'a str>,
    /// Why it was refused; `None` where it was done.
    pub refusal: Option<&'a str>,
}

/// Decides on requests by the token they carry.
#[async_trait]
pub trait Authorize: Send + Sync {
    /// Who asks to do `action` to `package`, if they may. `bearer` is the token the request carries, unchecked.
    ///
    /// Reading is open to [`Principal::Anonymous`], as far as the package is public. Clients send the token that they
    /// publish with on reads too, so a valid one must be accepted there; one that speaks for another package, or for one
    /// that is still to be created, is anonymous.
    ///
    /// # Errors
    ///
    /// The token is missing, unknown, expired, or speaks for another package.
    async fn authorize(
        &self,
        bearer: Option<&str>,
        package: &str,
        action: Action,
    ) -> Result<Principal, Denied>;

    /// Whether a token is for any package of this ecosystem, before work is done for whoever presents it.
    ///
    /// # Errors
    ///
    /// The token is unknown or expired, or for packages of other ecosystems alone.
    async fn recognise(&self, token: &str) -> Result<(), Denied>;

    /// Takes note of what came of a request that [`Authorize::authorize`] let through. Nothing, unless said otherwise.
    fn used(&self, _principal: &Principal, _use: &Use<'_>) {}
}
