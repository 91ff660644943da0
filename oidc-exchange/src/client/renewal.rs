use std::time::Duration;

use oidc_core::{Context, Timestamp, TokenSource};

use super::failure::Failure;
use super::publish::token_from;
use super::registry::Registry;
use super::request::{PublishRequest, RequestedScope};
use super::scope::Scope;
use super::token::PublishToken;

/// A token is renewed when it has less than this left, or a quarter of its life where that is less.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// A publish token for a publish that may take longer than one lives: renewed before it ends, with a fresh identity token.
///
/// Where the platform gives only one identity token a job (GitLab, CircleCI), it can't be renewed; the caller is told
/// while there is still time, [`Renewal::Ending`].
#[derive(Debug)]
pub struct Renewing<'a, S: RequestedScope = Scope> {
    registry: &'a dyn Registry,
    source: &'a dyn TokenSource,
    request: PublishRequest<S>,
    token: S::Token,
    renew_at: Option<Timestamp>,
}

/// How it stands with a publish token.
#[derive(Debug)]
#[non_exhaustive]
pub enum Renewal<'a, T = PublishToken> {
    /// It lasts, or a new one is in its place.
    Lasting(&'a T),
    /// It ends soon, and the platform gives no identity token to get another one with. What is published from here on
    /// may be refused.
    Ending {
        /// The token, as long as it is one.
        token: &'a T,
        /// When it ends.
        at: Timestamp,
    },
}

impl<'a, S: RequestedScope> Renewing<'a, S> {
    /// Gets a token, as [`token_from`] does.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn start(
        registry: &'a dyn Registry,
        source: &'a dyn TokenSource,
        request: PublishRequest<S>,
        cx: &Context,
    ) -> Result<Self, Failure> {
        let token = token_from(registry, source, request.clone(), cx).await?;
        let renew_at = renew_at(token.as_ref(), cx.clock().now());
        Ok(Self { registry, source, request, token, renew_at })
    }

    /// The token to publish the next file with. A token whose end neither the registry nor its protocol's documentation tells is taken
    /// to last.
    ///
    /// A token that is renewed is not ended by this: an upload may still be using it.
    ///
    /// # Errors
    ///
    /// When a new token can't be had.
    pub async fn token(&mut self, cx: &Context) -> Result<Renewal<'_, S::Token>, Failure> {
        let is_due = self.renew_at.is_some_and(|at| at <= cx.clock().now());
        let Some(at) = self.token.as_ref().expires_at().filter(|_| is_due) else {
            return Ok(Renewal::Lasting(&self.token));
        };
        if !self.source.is_renewable() {
            return Ok(Renewal::Ending { token: &self.token, at });
        }
        self.token = token_from(self.registry, self.source, self.request.clone(), cx).await?;
        self.renew_at = renew_at(self.token.as_ref(), cx.clock().now());
        Ok(Renewal::Lasting(&self.token))
    }
}

/// When a token that was made just now is to be renewed.
fn renew_at(token: &PublishToken, now: Timestamp) -> Option<Timestamp> {
    let ends = token.expires_at()?;
    Some(ends.minus(MARGIN.min(ends.since(now) / 4)))
}
