//! The request for a registry, and the registry that is opened for it.

use oidc_core::{Audience, HttpUrl};
use oidc_exchange::client::{Diagnose, Scope};

use crate::invalid_target::InvalidTarget;

/// A registry, and the scope of a publish token for it.
#[derive(Debug)]
pub(in super::super) struct Opened {
    pub(in super::super) registry: Box<dyn Diagnose>,
    pub(in super::super) scope: Scope,
    /// The package that the user named, where a token is for every package of the identity.
    pub(in super::super) named: Option<String>,
}

/// A registry whose token is for the named package.
pub(super) fn opened(registry: impl Diagnose + 'static, scope: Scope) -> Result<Opened, InvalidTarget> {
    Ok(Opened { registry: Box::new(registry), scope, named: None })
}

/// A registry whose tokens are for every package of the identity, of which the user may name one.
pub(super) fn opened_to_all(
    registry: impl Diagnose + 'static,
    asked: &Asked<'_>,
) -> Result<Opened, InvalidTarget> {
    let named = asked.package.map(str::to_owned);
    Ok(Opened { registry: Box::new(registry), scope: Scope::Identity, named })
}

/// The request for a registry.
pub(in super::super) struct Asked<'a> {
    /// The registry's URL.
    pub(in super::super) url: &'a HttpUrl,
    /// The package to publish, for registries whose tokens are for one package.
    pub(in super::super) package: Option<&'a str>,
    /// The account that publishes, for registries that have to be told.
    pub(in super::super) owner: Option<&'a str>,
    /// The audience that the registry's operator chose.
    pub(in super::super) audience: Option<Audience>,
    /// The endpoint that exchanges tokens, where the registry is not asked for it.
    pub(in super::super) endpoint: Option<&'a str>,
}

impl Asked<'_> {
    pub(super) fn url(&self) -> &str {
        self.url.as_str()
    }

    pub(super) fn package(&self) -> Result<&str, InvalidTarget> {
        self.package.ok_or(InvalidTarget::NoPackage)
    }

    pub(super) fn owner(&self) -> Result<&str, InvalidTarget> {
        self.owner.ok_or(InvalidTarget::NoOwner)
    }

    /// A registry with the audience that is asked for, if one is.
    pub(super) fn with_audience<R>(&self, registry: R, set: fn(R, Audience) -> R) -> R {
        match &self.audience {
            Some(audience) => set(registry, audience.clone()),
            None => registry,
        }
    }
}
