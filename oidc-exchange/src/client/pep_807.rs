use async_trait::async_trait;
use oidc_core::Context;
use oidc_core::http::Request;

use super::pep_807_discovery;
use super::pypi::{FACTS, PROTOCOL, Pypi};
use super::row::{self, AudienceSource, Discovered, ExchangeError, HttpUrl, Posted, Row, Scope};
use super::token::PublishToken;

/// An index of Python projects that is asked for its endpoints by the **draft** of PEP 807, and by PyPI's own
/// protocol where it does not know the draft.
///
/// It may change with the draft; see [`pep_807`](crate::pep_807). [`Pypi`] does not use the draft.
///
/// The index is asked again before the audience and before the exchange, and its answers may name no origin
/// (scheme, host and port) other than that of the upload URL; the draft itself requires only the same host.
/// Only an index that answers 404 to the discovery is asked by PyPI's protocol: any other failure is an
/// error.
///
/// The token is for several uploads, wherever the index supports such tokens.
#[derive(Clone, Debug)]
pub struct Pep807 {
    url: HttpUrl,
}

row::registry!(@own Pep807);

impl Pep807 {
    /// The same index, by PyPI's own protocol.
    fn legacy(&self) -> Pypi {
        Pypi::from_url(self.url.clone())
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Row for Pep807 {
    fn audience_source(&self) -> AudienceSource {
        self.legacy().audience_source()
    }

    fn exchange_for(&self, scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        self.legacy().exchange_for(scope)
    }

    async fn discovered(&self, cx: &Context) -> Result<Option<Discovered>, ExchangeError> {
        pep_807_discovery::find(&self.url, cx).await
    }

    /// The draft can't revoke tokens, but an index with both protocols may.
    fn revocation(&self, token: &PublishToken) -> Option<Request> {
        self.legacy().revocation(token)
    }

    fn may_lack_revocation(&self) -> bool {
        true
    }

    fn probed(&self) -> Option<Request> {
        self.legacy().probed()
    }
}
