use async_trait::async_trait;
use oidc_core::{Context, Diagnosis, http::Request};

use super::npm_facts::{FACTS, KNOWN_REFUSALS, PUBLIC};
use super::row::{
    self, AdviceRequest, AudienceSource, ExchangeError, Expiry, HttpUrl, Posted, Protocol, Row, Scope, wire,
};
use super::{npm_config, npm_tools};
use crate::npm::{self, InvalidPackageName, PackageName, Port, TOKEN_VARIABLE};

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&[TOKEN_VARIABLE]).known_refusals(KNOWN_REFUSALS);

/// An npm registry.
///
/// It may be below a path prefix, with or without a trailing slash; the exchange is requested below the same prefix. (npm
/// itself drops the prefix and yarn keeps it; see [`Npm::without_prefix`].)
#[derive(Clone, Debug)]
pub struct Npm {
    url: HttpUrl,
    is_at_root: bool,
    port: Option<Port>,
}

row::registry!(Npm, PUBLIC; is_at_root: false, port: None);
row::scope_of!(Npm, PackageName, InvalidPackageName, "a package's name");

impl Npm {
    /// Chooses whether the audience includes the port. By default the port is left out, as npm leaves it out, unless the
    /// variable [`TOKEN_VARIABLE`] holds a token for the audience with the port, which npm sends as it is.
    #[must_use]
    pub fn with_port(mut self, port: Port) -> Self {
        self.port = Some(port);
        self
    }

    /// Requests the exchange at the host's root even if the registry has a path prefix, as npm itself does.
    #[must_use]
    pub fn without_prefix(mut self) -> Self {
        self.is_at_root = true;
        self
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Row for Npm {
    fn accept_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::package::<PackageName>(&self.url, scope).map(|_| ())
    }

    /// Accepts the audience with the registry's port and without it, since tools differ in that.
    fn audience_source(&self) -> AudienceSource {
        let mut own = [Port::LeftOut, Port::PutIn].map(|port| npm::audience(&self.url, port));
        if self.port == Some(Port::PutIn) {
            own.reverse();
        }
        AudienceSource::EitherOf { own, by_variable: self.port.is_none() }
    }

    fn exchange_for(&self, scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let package: PackageName = wire::package(&self.url, scope)?;
        let root = if self.is_at_root { self.url.at_root() } else { self.url.clone() };
        let url = root.below(&format!("{}{}", npm::EXCHANGE_PATH, package.escaped()));
        Ok(Some(Posted::bearer(url, "token", Expiry::Time("expires"))))
    }

    /// The path that `npm ping` requests.
    fn probed(&self) -> Option<Request> {
        Some(Request::get(self.url.below("-/ping")).header("accept", wire::JSON))
    }

    fn advice(&self, request: &AdviceRequest<'_>) -> Vec<Diagnosis> {
        npm_config::of_path(&self.url, request.wording)
    }

    async fn advice_on_tools(&self, request: &AdviceRequest<'_>, cx: &Context) -> Vec<Diagnosis> {
        npm_tools::examine(&self.url, request, cx).await
    }
}
