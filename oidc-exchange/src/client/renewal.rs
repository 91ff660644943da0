use oidc_core::{Context, Timestamp, TokenSource};

use super::failure::Failure;
use super::publish::token_from;
use super::registry::Registry;
use super::request::{PublishRequest, RequestedScope};
use super::scope::Scope;
use super::token::PublishToken;

/// A publish token for a publish that may take longer than a token lives. It is renewed before it expires,
/// with a new identity token.
///
/// Where the platform gives a job only one identity token (GitLab), the publish token can't be renewed; the
/// caller is told in time by [`Renewal::Ending`].
#[derive(Debug)]
pub struct Renewing<'a, S: RequestedScope = Scope> {
    registry: &'a dyn Registry,
    source: &'a dyn TokenSource,
    request: PublishRequest<S>,
    token: S::Token,
    renew_at: Option<Timestamp>,
}

/// The state of a publish token.
#[derive(Debug)]
#[non_exhaustive]
pub enum Renewal<'a, T = PublishToken> {
    /// The token is valid long enough, or was just renewed.
    Lasting(&'a T),
    /// The token expires soon, and the platform gives no identity token to get another. Publishing may be
    /// refused after this time.
    Ending {
        /// The token, while it is valid.
        token: &'a T,
        /// The time at which it expires.
        at: Timestamp,
    },
}

impl<'a, S: RequestedScope> Renewing<'a, S> {
    /// Gets a token, as [`token_from`] does.
    ///
    /// # Errors
    ///
    /// When no token can be obtained.
    pub async fn start(
        registry: &'a dyn Registry,
        source: &'a dyn TokenSource,
        request: PublishRequest<S>,
        cx: &Context,
    ) -> Result<Self, Failure> {
        let token = token_from(registry, source, request.clone(), cx).await?;
        let renew_at = token.as_ref().renew_at(cx.clock().now());
        Ok(Self { registry, source, request, token, renew_at })
    }

    /// Returns the token to publish the next file with. A token whose expiry is known neither from the
    /// registry nor from its protocol's documentation is taken to last.
    ///
    /// Renewing does not revoke the old token: an upload may still be using it.
    ///
    /// # Errors
    ///
    /// When a new token can't be obtained.
    pub async fn token(&mut self, cx: &Context) -> Result<Renewal<'_, S::Token>, Failure> {
        let is_due = self.renew_at.is_some_and(|at| at <= cx.clock().now());
        let Some(at) = self.token.as_ref().expires_at().filter(|_| is_due) else {
            return Ok(Renewal::Lasting(&self.token));
        };
        if !self.source.is_renewable() {
            return Ok(Renewal::Ending { token: &self.token, at });
        }
        self.token = token_from(self.registry, self.source, self.request.clone(), cx).await?;
        self.renew_at = self.token.as_ref().renew_at(cx.clock().now());
        Ok(Renewal::Lasting(&self.token))
    }
}
