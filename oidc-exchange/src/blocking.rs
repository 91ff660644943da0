//! The client half for programs without an async runtime.
//!
//! Each function does what the method of the same name of [`Registry`] does, and blocks its thread until that is done. The
//! context has to block as well: take [`Context::blocking`] with an HTTP client that blocks.
//!
//! ```no_run
//! use oidc_core::http::HttpClient;
//! use oidc_core::{Context, ProviderSet};
//! use oidc_exchange::blocking;
//! use oidc_exchange::client::{CratesIo, Everything, Mode, Outcome};
//!
//! # fn publish(client: impl HttpClient + 'static, providers: ProviderSet) -> Result<(), Box<dyn std::error::Error>> {
//! let cx = Context::blocking(client);
//! let registry = CratesIo::public()?;
//! match blocking::publish_token(&registry, Everything, Mode::Always, &providers, &cx)? {
//!     Outcome::Token(token) => println!("a token that expires at {:?}", token.expires_at()),
//!     _ => println!("no token"),
//! }
//! # Ok(())
//! # }
//! ```

use oidc_core::blocking::{WouldBlock, complete};
use oidc_core::{Context, ProviderSet, TokenSource};

use crate::client::doctor::{Doctor, Report};
use crate::client::{Failure, Mode, Outcome, PublishToken, Registry};

/// Gets a publish token as [`Registry::publish_token`] does.
///
/// # Errors
///
/// When [`Registry::publish_token`] fails, or something in the context is asynchronous.
pub fn publish_token<R: Registry>(
    registry: &R,
    package: R::Package,
    mode: Mode,
    providers: &ProviderSet,
    cx: &Context,
) -> Result<Outcome<R::Package>, Error> {
    Ok(complete(registry.publish_token(package, mode, providers, cx))??)
}

/// Gets an identity token from `source` and exchanges it, as [`Registry::token_from`] does.
///
/// # Errors
///
/// When [`Registry::token_from`] fails, or something in the context is asynchronous.
pub fn token_from<R: Registry>(
    registry: &R,
    source: &dyn TokenSource,
    package: R::Package,
    cx: &Context,
) -> Result<PublishToken<R::Package>, Error> {
    Ok(complete(registry.token_from(source, package, cx))??)
}

/// Revokes a publish token, as [`Registry::revoke`] does. Returns `false` where the protocol has no way to.
///
/// # Errors
///
/// When [`Registry::revoke`] fails, or something in the context is asynchronous.
pub fn revoke<R: Registry>(
    registry: &R,
    token: &PublishToken<R::Package>,
    cx: &Context,
) -> Result<bool, Error> {
    Ok(complete(registry.revoke(token, cx))?.map_err(Failure::from)?)
}

/// Examines a job and a registry, as [`Doctor::examine`] does.
///
/// # Errors
///
/// When something in the context is asynchronous.
pub fn examine<R: Registry>(
    doctor: &Doctor<'_, R>,
    providers: &ProviderSet,
    cx: &Context,
) -> Result<Report, WouldBlock> {
    complete(doctor.examine(providers, cx))
}

/// A blocking call gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operation itself failed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// Something in the context is asynchronous and needs a runtime.
    #[error(transparent)]
    WouldBlock(#[from] WouldBlock),
}
