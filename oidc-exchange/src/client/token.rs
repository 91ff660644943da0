use std::ops::Deref;

use oidc_core::{HttpUrl, Secret, Timestamp};

use super::scope::Scope;

/// A short-lived token that publishes what its scope says.
///
/// Its text is handed out for its own scope and for no other.
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
    /// The URL that gave it, whose origin alone it is sent to.
    from: Option<HttpUrl>,
}

impl PublishToken {
    /// A token that a registry handed out for `scope`, with its end where that is known.
    pub fn new(secret: Secret, scope: Scope, expires_at: Option<Timestamp>) -> Self {
        Self { secret, scope, expires_at, packages: None, from: None }
    }

    /// With the names of the packages that the registry's answer limits it to.
    #[must_use]
    pub fn limited_to(mut self, packages: impl IntoIterator<Item = String>) -> Self {
        self.packages = Some(packages.into_iter().collect());
        self
    }

    /// With the URL of the registry that gave it. It is then revoked at that registry and at no other.
    pub(super) fn from(mut self, url: &HttpUrl) -> Self {
        self.from = Some(url.clone());
        self
    }

    /// Whether it may be sent to a URL.
    pub(super) fn is_of(&self, url: &HttpUrl) -> bool {
        self.from.as_ref().is_none_or(|from| from.same_origin(url))
    }

    /// The token's text, for publishing in `scope`.
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

    /// The text, for the request of a registry's own protocol that ends the token or uses it.
    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The scope that it is valid for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The names of the packages that the registry's answer limits it to; `None` where the answer names none. Of the protocols
    /// with [`Scope::Identity`] only RubyGems' does.
    pub fn packages(&self) -> Option<&[String]> {
        self.packages.as_deref()
    }

    /// When it ends: as the registry told, or else as its protocol's documentation has it; `None` where neither says.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

/// A publish token for [`Scope::Identity`], whose text is valid for every package and needs no check.
///
/// It is the outcome of [`PublishRequest::identity`](super::PublishRequest::identity), and a [`PublishToken`] besides.
#[derive(Clone, Debug)]
pub struct IdentityPublishToken(PublishToken);

impl IdentityPublishToken {
    /// The token's text.
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

/// A publish token was asked for another scope than its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the publish token is for {made_for} and can't publish {asked_for}; exchange one for each package")]
pub struct WrongScope {
    made_for: String,
    asked_for: String,
}
