//! Hosting npm packages: publish, metadata, tarballs and tags, for real `npm`, `yarn` and `pnpm`.
//!
//! | request | what it does |
//! |---|---|
//! | `PUT /{package}` | publishes one version |
//! | `GET /{package}` | the packument, abbreviated when asked for |
//! | `GET /{package}/-/{file}.tgz` | a tarball |
//! | `GET /-/package/{package}/dist-tags` | the tags; `PUT` and `DELETE` one at `…/dist-tags/{tag}` |
//! | `GET /-/package/{package}/visibility` | `{"public": true}` or not; where no provenance is kept, not told to whoever sends a token and would sign |
//! | `GET /-/npm/v1/attestations/{package}@{version}` | what vouches for a version: the publisher's provenance and the registry's attestation |
//! | `GET /-/npm/v1/keys` | the keys that the registry signs with and signed with |
//! | `GET`, `POST /-/package/{package}/trust` | who may publish; `DELETE` one at `…/trust/{id}` |
//! | `GET /-/ping` | `{}` |
//!
//! [`Authorize`] decides who may do it; this module does not know where tokens come from. The requests are npm's
//! registry API as the clients speak it (npm/registry, `docs/REGISTRY-API.md`; npm's `libnpmpublish` and `lib/commands`).

mod caller;
mod contents;
mod document;
mod json;
mod manage_trust;
mod manifest;
mod members;
mod name;
mod outcome;
mod packument;
mod path;
mod provenance;
mod publish;
mod reads;
mod rows;
mod schema;
mod serve;
mod store;
mod stored;
mod tags;
mod unsupported;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use oidc_core::{Context, Timestamp};
use oidc_exchange::server::StoreError;
use oidc_exchange::sql::SqlStore;

pub use super::authorize::{Action, Authorize, Denied, Principal, Use};
pub use manage_trust::{ManageTrust, TrustFailure};
pub use name::Invalid;

pub(crate) use schema::SCHEMA;
pub(crate) use serve::shape;

use super::intake::{Intake, UPLOAD_MEMORY_MB, UPLOADS};
use super::provenance::Provenance;
use super::{authorize as access, failure};
use failure::Failure;
use name::{PackageName, Version};
use store::Store;

/// The answer to a request, or its refusal.
type Answer = Result<Response, Failure>;

/// A name as the stores have it, which is as it is written.
pub(crate) fn normalized(name: &str) -> Result<String, Invalid> {
    PackageName::parse(name).map(|name| name.as_str().to_owned())
}

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
    trust: Option<Arc<dyn ManageTrust>>,
    provenance: Provenance,
    intake: Intake,
    context: Context,
}

impl Npm {
    /// Hosts the packages in `database`. The publishers are in it too, so that one transaction creates a package and activates its
    /// publisher. `public_url` is the URL by which clients reach this registry, with the path that it is mounted under; tarball
    /// URLs start with it. The clock of `context` dates what is published.
    #[must_use]
    pub fn new(
        database: SqlStore,
        public_url: &str,
        authorize: Arc<dyn Authorize>,
        context: Context,
    ) -> Self {
        let public_url = public_url.trim_end_matches('/').into();
        let intake = Intake::new(UPLOADS, UPLOAD_MEMORY_MB);
        let (store, provenance) = (Store::new(database), Provenance::none("npm"));
        Self { store, public_url, authorize, trust: None, provenance, intake, context }
    }

    /// With room for uploads that is shared with other ecosystems.
    pub(super) fn with_intake(mut self, intake: Intake) -> Self {
        self.intake = intake;
        self
    }

    /// With provenance that is kept.
    pub(super) fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// With publishers to be managed over npm's API.
    #[must_use]
    pub fn with_trust(mut self, trust: Arc<dyn ManageTrust>) -> Self {
        self.trust = Some(trust);
        self
    }

    /// Adds a package without versions, unless it exists. Everybody may see it if it is `public`.
    ///
    /// # Errors
    ///
    /// npm allows no package of that name, or the database refused.
    pub async fn register(&self, name: &str, public: bool) -> Result<(), RegisterError> {
        let name = PackageName::parse(name)?;
        self.store.register(&name, public, self.now()).await?;
        Ok(())
    }

    /// The principal that published a version, if the version exists.
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

    /// Returns `true` if the package exists, published or registered.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub async fn has(&self, name: &str) -> Result<bool, StoreError> {
        match PackageName::parse(name) {
            Ok(name) => Ok(self.store.visibility(&name).await?.is_some()),
            Err(_) => Ok(false),
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
