use std::ops::Deref;
use std::time::Duration;

use oidc_core::{HttpUrl, Secret, Timestamp};

use super::scope::Scope;

/// The remaining lifetime at which a token is renewed; a quarter of the whole lifetime where that is less.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// A short-lived token that publishes within its scope.
///
/// Its text is available for its own scope only.
///
/// ```
/// use oidc_core::Secret;
/// use oidc_exchange::client::{Npm, PublishToken};
///
/// let (widget, gadget) = (Npm::scope("widget")?, Npm::scope("gadget")?);
/// let token = PublishToken::new(Secret::new("npm_…"), widget.clone(), None);
/// assert!(token.secret_for(&widget).is_ok() && token.secret_for(&gadget).is_err());
/// # Ok::<(), oidc_exchange::npm::InvalidPackageName>(())
/// ```
#[derive(Clone, Debug)]
pub struct PublishToken {
    secret: Secret,
    scope: Scope,
    expires_at: Option<Timestamp>,
    packages: Option<Vec<String>>,
    /// The URL of the registry that gave it. The token is sent to this origin only.
    from: Option<HttpUrl>,
}

impl PublishToken {
    /// A token that a registry gave for `scope`, with its expiry where that is known.
    pub fn new(secret: Secret, scope: Scope, expires_at: Option<Timestamp>) -> Self {
        Self { secret, scope, expires_at, packages: None, from: None }
    }

    /// Adds the names of the packages that the registry's answer limits it to.
    #[must_use]
    pub fn limited_to(mut self, packages: impl IntoIterator<Item = String>) -> Self {
        self.packages = Some(packages.into_iter().collect());
        self
    }

    /// Adds the URL of the registry that gave it. It can then be revoked at that registry only.
    pub(super) fn from(mut self, url: &HttpUrl) -> Self {
        self.from = Some(url.clone());
        self
    }

    /// Returns `true` if this URL belongs to the registry that issued the token, so that the token may be sent to it.
    /// An implementation of [`Registry::revoke`](super::Registry::revoke) calls this before it sends anything. A
    /// token that [`ExchangeCall::granted`](super::ExchangeCall::granted) did not make knows no registry, and may be
    /// sent anywhere.
    pub fn is_of(&self, url: &HttpUrl) -> bool {
        self.from.as_ref().is_none_or(|from| from.same_origin(url))
    }

    /// Returns the token's text, for publishing in `scope`.
    ///
    /// # Errors
    ///
    /// When the token was made for another scope.
    pub fn secret_for(&self, scope: &Scope) -> Result<&Secret, WrongScope> {
        if self.scope == *scope {
            return Ok(&self.secret);
        }
        Err(WrongScope { made_for: self.scope.to_string(), asked_for: scope.to_string() })
    }

    /// Returns the text, for a request of the registry's own protocol that revokes or uses the token.
    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Returns the scope that it is valid for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns the names of the packages that the registry's answer limits it to; `None` where the answer
    /// names none. Of the protocols with [`Scope::Identity`], only RubyGems' names packages.
    pub fn packages(&self) -> Option<&[String]> {
        self.packages.as_deref()
    }

    /// Returns the time at which it expires: from the registry's answer, or else by the protocol's
    /// documentation; `None` where neither tells it.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Returns the time at which a token that was made at `now` should be replaced by another one: 5 minutes before it
    /// expires, or a quarter of its lifetime where that is less. `None` where its expiry is not known.
    pub fn renew_at(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.expires_at?;
        // A part of the lifetime, because a token that lives shorter than the margin would be renewed at every
        // use.
        Some(ends.minus(MARGIN.min(ends.since(now) / 4)))
    }
}

/// A publish token for [`Scope::Identity`], whose text is valid for every package and needs no check.
///
/// [`PublishRequest::identity`](super::PublishRequest::identity) returns it. It dereferences to a
/// [`PublishToken`].
#[derive(Clone, Debug)]
pub struct IdentityPublishToken(PublishToken);

impl IdentityPublishToken {
    /// Returns the token's text.
    pub fn secret(&self) -> &Secret {
        &self.0.secret
    }
}

impl Deref for IdentityPublishToken {
    type Target = PublishToken;

    fn deref(&self) -> &PublishToken {
        &self.0
    }
}

impl AsRef<PublishToken> for PublishToken {
    fn as_ref(&self) -> &PublishToken {
        self
    }
}

impl AsRef<PublishToken> for IdentityPublishToken {
    fn as_ref(&self) -> &PublishToken {
        &self.0
    }
}

impl TryFrom<PublishToken> for IdentityPublishToken {
    type Error = WrongScope;

    fn try_from(token: PublishToken) -> Result<Self, WrongScope> {
        token.secret_for(&Scope::Identity)?;
        Ok(Self(token))
    }
}

/// The error of asking for a publish token's text for a scope other than its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the publish token is for {made_for} and can't publish {asked_for}; exchange one for each package")]
pub struct WrongScope {
    made_for: String,
    asked_for: String,
}
