use oidc_core::{Secret, Timestamp};

use super::package::Package;

/// A request for a publish token, made by a protocol's endpoint: the protocol, and the package where the
/// protocol names one.
///
/// ```
/// use oidc_exchange::server::{Exchange, ExchangeRequest, Refusal};
/// use oidc_core::Secret;
///
/// async fn publish_token(exchange: &Exchange, identity_token: &str) -> Result<Secret, Refusal> {
///     let request = ExchangeRequest::package("npm", "@acme/widget");
///     Ok(exchange.exchange(identity_token, &request).await?.token)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExchangeRequest {
    /// The protocol, such as `npm`.
    pub ecosystem: &'static str,
    /// The package, in a protocol whose request names one, [normalized](Package::new).
    pub package: Option<String>,
    /// The variable that clients of the protocol's public registry read, for refusals.
    pub(super) token_variable: Option<&'static str>,
}

impl ExchangeRequest {
    /// A request of a protocol that names the package. The package is the replay scope: an identity token may
    /// be exchanged once for each package of a monorepo. The name is [normalized](Package::new), so its
    /// spelling makes no difference.
    ///
    /// ```
    /// use oidc_exchange::server::ExchangeRequest;
    ///
    /// let request = ExchangeRequest::package("pypi", "Acme_Widget");
    /// assert_eq!(request.package.as_deref(), Some("acme-widget"));
    /// ```
    pub fn package(ecosystem: &'static str, package: impl Into<String>) -> Self {
        let package = Package::new(ecosystem, package).name;
        Self { ecosystem, package: Some(package), token_variable: None }
    }

    /// A request of a protocol that names no package. The publish token is for every package of the ecosystem
    /// with a publisher that accepts the identity. An identity token may be exchanged once.
    pub fn identity(ecosystem: &'static str) -> Self {
        Self { ecosystem, package: None, token_variable: None }
    }

    /// Adds the variable that clients of the protocol's public registry read.
    pub(super) fn read_from(self, variable: &'static str) -> Self {
        Self { token_variable: Some(variable), ..self }
    }

    /// The scope within which an identity token can't be used again.
    pub(super) fn replay_scope(&self) -> String {
        match &self.package {
            Some(name) => format!("{}:{name}", self.ecosystem),
            None => self.ecosystem.to_owned(),
        }
    }

    /// Returns `true` if the request is for a publisher of `package`. A request for a publisher for a prefix names
    /// no package.
    pub(super) fn is_for(&self, package: &Package) -> bool {
        let is_it = |name: &String| !package.is_prefix() && *name == package.name;
        package.ecosystem == self.ecosystem && self.package.as_ref().is_none_or(is_it)
    }

    /// Returns the package, where the request names one. Its name is normalized already.
    pub(super) fn named(&self) -> Option<Package> {
        self.package.as_ref().map(|name| Package::stored(self.ecosystem.to_owned(), name.clone()))
    }
}

/// A publish token that was just minted. Its text is available here only.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Minted {
    /// The token.
    pub token: Secret,
    /// The packages that the token may publish.
    pub packages: Vec<Package>,
    /// The time at which the token was made.
    pub created_at: Timestamp,
    /// The time at which the token expires.
    pub expires_at: Timestamp,
}
