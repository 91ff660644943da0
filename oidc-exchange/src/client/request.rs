use super::scope::Scope;
use super::token::{IdentityPublishToken, PublishToken, WrongScope};

/// A request for a publish token.
///
/// The type parameter is the form of the scope: a [`Scope`], whose tokens give access to their text for that
/// scope only, or [`IdentityScope`], whose tokens give access to it without a check.
///
/// ```
/// use oidc_exchange::client::{Npm, PublishRequest, Scope};
///
/// let request = PublishRequest::new(Npm::scope("@acme/widget")?);
/// assert_eq!(request.scope.package(), Some("@acme/widget"));
/// assert_eq!(Scope::from(PublishRequest::identity().scope), Scope::Identity);
/// # Ok::<(), oidc_exchange::npm::InvalidPackageName>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PublishRequest<S = Scope> {
    /// The scope of the token.
    pub scope: S,
}

impl PublishRequest {
    /// A request for a token that is valid for `scope`.
    pub fn new(scope: Scope) -> Self {
        Self { scope }
    }
}

impl PublishRequest<IdentityScope> {
    /// A request for a token that is valid for every package of the identity.
    pub fn identity() -> Self {
        Self { scope: IdentityScope }
    }
}

/// [`Scope::Identity`] as a type, for requests whose token reveals its text without the name of a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a publish tool writes its name")]
pub struct IdentityScope;

impl From<IdentityScope> for Scope {
    fn from(_scope: IdentityScope) -> Self {
        Self::Identity
    }
}

/// The form of a scope that a token is requested for: [`Scope`] or [`IdentityScope`].
pub trait RequestedScope: Clone + Into<Scope> + Send + Sync + sealed::Sealed {
    /// The token that such a request returns.
    type Token: AsRef<PublishToken> + Send + Sync;

    /// Converts a registry's answer to the request into its token.
    ///
    /// # Errors
    ///
    /// When the token is for another scope.
    fn accept(&self, token: PublishToken) -> Result<Self::Token, WrongScope>;
}

impl RequestedScope for Scope {
    type Token = PublishToken;

    fn accept(&self, token: PublishToken) -> Result<PublishToken, WrongScope> {
        token.secret_for(self)?;
        Ok(token)
    }
}

impl RequestedScope for IdentityScope {
    type Token = IdentityPublishToken;

    fn accept(&self, token: PublishToken) -> Result<IdentityPublishToken, WrongScope> {
        IdentityPublishToken::try_from(token)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Scope {}
    impl Sealed for super::IdentityScope {}
}
