//! Hosting npm packages: publish, metadata, tarballs and tags, for real `npm`, `yarn` and `pnpm`.
//!
//! | request | what it does |
//! |---|---|
//! | `PUT /{package}` | publishes one version |
//! | `GET /{package}` | the packument, abbreviated when asked for |
//! | `GET /{package}/-/{file}.tgz` | a tarball |
//! | `GET /-/package/{package}/dist-tags` | the tags; `PUT` and `DELETE` one at `…/dist-tags/{tag}` |
//! | `GET /-/package/{package}/visibility` | `{"public": true}` or not |
//! | `GET /-/ping` | `{}` |
//!
//! Who may do it is decided by [`Authorize`]; where tokens come from is no business of this module. The requests are npm's
//! registry API as the clients speak it (npm/registry, `docs/REGISTRY-API.md`; npm's `libnpmpublish` and `lib/commands`).

mod access;
mod document;
mod failure;
mod name;
mod packument;
mod path;
mod rows;
mod serve;
mod store;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use oidc_core::{Context, Timestamp};

pub use access::{Action, Authorize, Denied, Principal};
pub use name::Invalid;
pub use store::StoreError;

pub(in crate::registry) use store::SCHEMA;

use super::database::Database;
use name::{PackageName, Version};
use store::Store;

/// A package could not be registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Its name is none that npm allows.
    #[error(transparent)]
    Name(#[from] Invalid),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The npm half of a registry. Clones share everything.
#[derive(Clone)]
pub struct Npm {
    store: Store,
    public_url: Arc<str>,
    authorize: Arc<dyn Authorize>,
    context: Context,
}

impl Npm {
    /// Hosts the packages in `database`. `public_url` is where clients reach this registry, with the path it is mounted
    /// under; tarball URLs start with it. The clock of `context` dates what is published.
    #[must_use]
    pub fn new(
        database: Database,
        public_url: &str,
        authorize: Arc<dyn Authorize>,
        context: Context,
    ) -> Self {
        let public_url = public_url.trim_end_matches('/').into();
        Self { store: Store::new(database), public_url, authorize, context }
    }

    /// Adds a package without versions, unless it exists. `public` is whether everybody may see it.
    ///
    /// # Errors
    ///
    /// npm allows no package of that name, or the database refused.
    pub async fn register(&self, name: &str, public: bool) -> Result<(), RegisterError> {
        let name = PackageName::parse(name)?;
        self.store.register(&name, public, self.now()).await?;
        Ok(())
    }

    /// Who published a version, if it is there.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub async fn published_by(&self, name: &str, version: &str) -> Result<Option<Principal>, StoreError> {
        match (PackageName::parse(name), Version::parse(version)) {
            (Ok(name), Ok(version)) => self.store.published_by(&name, &version).await,
            _ => Ok(None),
        }
    }

    fn now(&self) -> Timestamp {
        self.context.clock().now()
    }
}

impl fmt::Debug for Npm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Npm").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// The routes, to be merged at a registry's root or nested under a prefix.
///
/// All of them are behind one fallback, because a path's escapes must be read before it is split; so routes that are
/// added beside these win over packages of the same name.
pub fn router(npm: Npm) -> Router {
    Router::new().fallback(serve::serve).with_state(npm)
}

#[cfg(test)]
mod tests;
