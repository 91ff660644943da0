//! The client half for programs without an async runtime.
//!
//! Each function does the same as the function or method of the same name in the async half of the crate, and
//! blocks its thread until that is done. The context has to block as well: use [`Context::blocking`] with an
//! HTTP client that blocks.
//!
//! ```no_run
//! use oidc_core::http::HttpClient;
//! use oidc_core::{Context, ProviderSet};
//! use oidc_exchange::blocking;
//! use oidc_exchange::client::{CratesIo, PublishRequest};
//!
//! # fn publish(client: impl HttpClient + 'static, providers: ProviderSet) -> Result<(), Box<dyn std::error::Error>> {
//! let cx = Context::blocking(client);
//! let registry = CratesIo::public();
//! let token = blocking::publish_token(&registry, PublishRequest::identity(), &providers, &cx)?;
//! println!("publishing with {:?}", token.secret());
//! blocking::revoke(&registry, &token, &cx)?;
//! # Ok(())
//! # }
//! ```

use oidc_core::blocking::{WouldBlock, complete};
use oidc_core::{Context, ProviderSet, TokenSource};

use crate::client::doctor::{Doctor, Report};
use crate::client::{Failure, PublishRequest, PublishToken, Registry, RequestedScope};

/// Gets a publish token, as [`publish_token`](crate::publish_token) does.
///
/// # Errors
///
/// When [`publish_token`](crate::publish_token) fails, or something in the context is asynchronous.
///
/// ```
/// use oidc_core::{Context, ProviderSet};
/// use oidc_exchange::blocking::{Error, publish_token};
/// use oidc_exchange::client::{CratesIo, PublishRequest};
///
/// # fn example(platforms: &ProviderSet, cx: &Context) -> Result<(), Error> {
/// let token = publish_token(&CratesIo::public(), PublishRequest::identity(), platforms, cx)?;
/// # let _ = token;
/// # Ok(())
/// # }
/// ```
pub fn publish_token<S: RequestedScope>(
    registry: &dyn Registry,
    request: PublishRequest<S>,
    providers: &ProviderSet,
    cx: &Context,
) -> Result<S::Token, Error> {
    Ok(complete(crate::publish_token(registry, request, providers, cx))??)
}

/// Gets an identity token from `source` and exchanges it, as [`token_from`](crate::token_from) does, within the same time.
///
/// # Errors
///
/// When [`token_from`](crate::token_from) fails, or something in the context is asynchronous.
pub fn token_from<S: RequestedScope>(
    registry: &dyn Registry,
    source: &dyn TokenSource,
    request: PublishRequest<S>,
    cx: &Context,
) -> Result<S::Token, Error> {
    Ok(complete(crate::token_from(registry, source, request, cx))??)
}

/// Revokes a publish token, as [`Registry::revoke`] does. Returns `false` where the protocol can't revoke
/// tokens.
///
/// # Errors
///
/// When [`Registry::revoke`] fails, or something in the context is asynchronous.
pub fn revoke(registry: &dyn Registry, token: &PublishToken, cx: &Context) -> Result<bool, Error> {
    Ok(complete(registry.revoke(token, cx))?.map_err(Failure::from)?)
}

/// Examines a job and a registry, as [`Doctor::examine`] does.
///
/// # Errors
///
/// When something in the context is asynchronous.
pub fn examine(doctor: &Doctor<'_>, providers: &ProviderSet, cx: &Context) -> Result<Report, WouldBlock> {
    complete(doctor.examine(providers, cx))
}

/// An error of a blocking call.
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
