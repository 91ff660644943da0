use std::fmt;
use std::time::Duration;

use oidc_core::{Context, Timestamp, TokenSource};

use super::{Failure, PublishToken, Registry};

/// A token is renewed when it has less than this left, or a quarter of its life where that is less.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// A publish token for a publish that may take longer than one lives: renewed before it ends, with a fresh identity token.
///
/// Where the platform gives only one identity token a job (GitLab, CircleCI), it can't be renewed; the caller is told
/// while there is still time, [`Renewal::Ending`].
#[derive(Debug)]
pub struct Renewing<'a, R: Registry> {
    registry: &'a R,
    source: &'a dyn TokenSource,
    token: PublishToken<R::Package>,
    renew_at: Option<Timestamp>,
}

/// How it stands with a publish token.
#[derive(Debug)]
#[non_exhaustive]
pub enum Renewal<'a, P> {
    /// It lasts, or a new one is in its place.
    Lasting(&'a PublishToken<P>),
    /// It ends soon, and the platform gives no identity token to get another one with. What is published from here on
    /// may be refused.
    Ending {
        /// The token, as long as it is one.
        token: &'a PublishToken<P>,
        /// When it ends.
        at: Timestamp,
    },
}

impl<'a, R: Registry> Renewing<'a, R> {
    /// Gets a token, as [`Registry::token_from`] does.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn start(
        registry: &'a R,
        source: &'a dyn TokenSource,
        package: R::Package,
        cx: &Context,
    ) -> Result<Self, Failure> {
        let token = registry.token_from(source, package, cx).await?;
        Ok(Self { registry, source, renew_at: renew_at(&token, cx.clock().now()), token })
    }

    /// The token to publish the next file with. A token whose end neither the registry nor its protocol's documentation tells is taken
    /// to last.
    ///
    /// A token that is renewed is not ended by this: an upload may still be using it.
    ///
    /// # Errors
    ///
    /// When a new token can't be had.
    pub async fn token(&mut self, cx: &Context) -> Result<Renewal<'_, R::Package>, Failure> {
        let is_due = self.renew_at.is_some_and(|at| at <= cx.clock().now());
        let Some(at) = self.token.expires_at().filter(|_| is_due) else {
            return Ok(Renewal::Lasting(&self.token));
        };
        if !self.source.is_renewable() {
            return Ok(Renewal::Ending { token: &self.token, at });
        }
        let package = self.token.package().clone();
        self.token = self.registry.token_from(self.source, package, cx).await?;
        self.renew_at = renew_at(&self.token, cx.clock().now());
        Ok(Renewal::Lasting(&self.token))
    }
}

/// When a token that was made just now is to be renewed.
fn renew_at<P: PartialEq + fmt::Display>(token: &PublishToken<P>, now: Timestamp) -> Option<Timestamp> {
    let ends = token.expires_at()?;
    Some(ends.minus(MARGIN.min(ends.since(now) / 4)))
}
