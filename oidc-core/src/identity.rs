//! The identity that a token proves.

/// The identity that a token proves: an issuer, and a key within that issuer, such as a repository.
///
/// Publishers are looked up by it. It contains the issuer and not the provider, so that a token of a
/// self-managed instance never has an identity of the public instance.
///
/// ```
/// use oidc_core::Identity;
///
/// let public = Identity::new("https://gitlab.com", "acme/widget");
/// let own = Identity::new("https://gitlab.example", "acme/widget");
/// assert_ne!(public, own);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// The issuer, as configured.
    pub issuer: String,
    /// The key, normalized by the platform's one casing rule.
    pub key: String,
}

impl Identity {
    /// An identity of an issuer and a key.
    pub fn new(issuer: impl Into<String>, key: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), key: key.into() }
    }
}
