use oidc_core::http::{Request, Response};

use crate::client::{Registry, Scope};

/// A registry under test.
pub trait Harness: Clone + Send + Sync + 'static {
    /// The registry, each time at the same URL.
    fn registry(&self) -> Box<dyn Registry>;

    /// A scope that the registry has tokens for.
    fn scope(&self) -> Scope;

    /// The registry's answer to a valid request: to an exchange, with `token` as the text of the publish token; to a
    /// request before it, such as that for the audience; and to the revocation of a token.
    fn answer(&self, request: &Request, token: &str) -> Response;
}
