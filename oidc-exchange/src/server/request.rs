use oidc_core::{Secret, Timestamp};

use super::package::Package;

/// The request for a publish token that a protocol's endpoint passes on: the protocol, and the package where it names one.
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
    /// The package, in a protocol whose request names one.
    pub package: Option<String>,
    /// The variable that clients of the protocol's public registry read, for refusals.
    pub(super) token_variable: Option<&'static str>,
}

impl ExchangeRequest {
    /// A request of a protocol that names the package. The package is the replay scope: a token may be exchanged for each
    /// package of a monorepo.
    pub fn package(ecosystem: &'static str, package: impl Into<String>) -> Self {
        Self { ecosystem, package: Some(package.into()), token_variable: None }
    }

    /// A request of a protocol that names no package: the publish token is for every package of the ecosystem that lets
    /// the identity in. An identity token may be exchanged once.
    pub fn identity(ecosystem: &'static str) -> Self {
        Self { ecosystem, package: None, token_variable: None }
    }

    /// With the variable that clients of the protocol's public registry read.
    pub(super) fn read_from(self, variable: &'static str) -> Self {
        Self { token_variable: Some(variable), ..self }
    }

    /// The scope within which an identity token may not be used again.
    pub(super) fn replay_scope(&self) -> String {
        match &self.package {
            Some(package) => format!("{}:{package}", self.ecosystem),
            None => self.ecosystem.to_owned(),
        }
    }

    /// Whether a publisher of `package` is asked for; one for a prefix is where no package is named.
    pub(super) fn is_for(&self, package: &Package) -> bool {
        let is_it = || self.named().is_none_or(|named| named == *package);
        package.ecosystem == self.ecosystem && is_it()
    }

    /// The package, where the request names one.
    pub(super) fn named(&self) -> Option<Package> {
        self.package.as_ref().map(|name| Package::new(self.ecosystem, name))
    }
}

/// A publish token, just minted. This is the only time that its text is seen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Minted {
    /// The token.
    pub token: Secret,
    /// What it publishes.
    pub packages: Vec<Package>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}
