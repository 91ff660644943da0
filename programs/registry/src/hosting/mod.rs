//! Hosting packages that are made of files: the common part of cargo, PyPI and RubyGems.
//!
//! Everything here is public to read. [`Authorize`] decides who may publish.

pub(super) mod archive;
mod outcome;
mod page;
mod schema;
mod store;
mod upload;

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use data_encoding::HEXLOWER;
use oidc_core::Context;
use oidc_exchange::server::StoreError;
use oidc_exchange::sql::SqlStore;
use sha2::{Digest as _, Sha256};

pub(super) use self::page::Page;
pub(super) use self::schema::SCHEMA;
use self::store::Store;
use self::upload::Proof;
pub(super) use self::upload::{File, Upload, Vouches};
use super::authorize::{Action, Authorize, Principal, Use};
use super::failure::Failure;
use super::intake::{Incoming, Intake, Spool};
use super::pieces::{Pieces, aside, ranges};
use super::presented;
use super::provenance::{Provenance, Stored};
use super::unsupported::Operation;

/// The token of a request that publishes, and whose it is.
pub(super) struct Admitted {
    pub(super) token: String,
    publisher: String,
}

/// One ecosystem's packages. Clones share everything.
#[derive(Clone)]
pub struct Hosting {
    store: Store,
    authorize: Arc<dyn Authorize>,
    provenance: Provenance,
    intake: Intake,
    cx: Context,
}

impl Hosting {
    /// Hosts the packages of `ecosystem` in `database`. The clock of the context dates what is published.
    pub(super) fn new(
        ecosystem: &'static str,
        database: SqlStore,
        authorize: Arc<dyn Authorize>,
        intake: Intake,
        cx: Context,
    ) -> Self {
        let (store, provenance) = (Store::new(ecosystem, database), Provenance::none(ecosystem));
        Self { store, authorize, provenance, intake, cx }
    }

    /// With provenance that is kept.
    pub(super) fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Returns `true` if provenance is verified and kept.
    pub(super) fn keeps_provenance(&self) -> bool {
        self.provenance.is_kept()
    }

    /// The document about a file's provenance, as the ecosystem's clients read it.
    pub(super) async fn provenance_of(&self, name: &str) -> Result<String, Failure> {
        let document = self.store.provenance(name).await?;
        document.ok_or_else(|| Failure::not_found(&format!("an attestation of {name}")))
    }

    /// Adds a package without files, unless it exists. `package` is its name as the ecosystem normalises it.
    pub(super) async fn register(&self, package: &str) -> Result<(), StoreError> {
        self.store.register(package, self.cx.clock().now()).await
    }

    /// A page with an entry for each package that has files, made of its name and its index line.
    pub(super) fn packages<E>(&self, page: Page, entry: E) -> impl Pieces + use<E>
    where
        E: Fn(&str, &str) -> String + Send + Sync + 'static,
    {
        page.of_packages(self.store.clone(), entry)
    }

    /// A page with an entry for each of a package's files, oldest first; at least one.
    pub(super) async fn files<E>(
        &self,
        package: &str,
        page: Page,
        entry: E,
    ) -> Result<impl Pieces + use<E>, Failure>
    where
        E: Fn(&File) -> String + Send + Sync + 'static,
    {
        let (store, name) = (self.store.clone(), package.to_owned());
        let ranges = ranges(aside(async move { store.positions(&name).await }).await??);
        if ranges.is_empty() {
            return Err(Failure::not_found(package));
        }
        Ok(page.of_files(self.store.clone(), package.to_owned(), ranges, entry))
    }

    /// A page with an entry for each of a package's files that `entry` makes one of, by the file's version, oldest first.
    pub(super) fn versions<E>(&self, package: &str, page: Page, entry: E) -> impl Pieces + use<E>
    where
        E: FnMut(&str) -> Option<String> + Send + 'static,
    {
        page.of_versions(self.store.clone(), package.to_owned(), entry)
    }

    /// An answer with a file's content.
    pub(super) async fn content(&self, name: &str) -> Result<Response, Failure> {
        self.store.content(name).await?.ok_or_else(|| Failure::not_found(name))
    }

    /// A file's sidecar.
    pub(super) async fn sidecar(&self, name: &str) -> Result<Vec<u8>, Failure> {
        self.store.sidecar(name).await?.ok_or_else(|| Failure::not_found(name))
    }

    /// The principal that published a file, as JSON, if the file exists.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub async fn published_by(&self, name: &str) -> Result<Option<String>, sqlx::Error> {
        self.store.published_by(name).await
    }

    /// Checks the token of a request that publishes, before the body is read.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Result<Admitted, Failure> {
        let token = presented::of(headers)?.ok_or_else(no_token)?;
        let publisher = self.authorize.recognise(&token).await?;
        Ok(Admitted { token, publisher })
    }

    /// The refusal of an operation that is not supported. One that changes something and has no valid token is refused for that.
    pub(super) async fn refuse(
        &self,
        operation: &Operation,
        method: &Method,
        headers: &HeaderMap,
    ) -> Failure {
        let needs_token = operation.needs_token && !is_read(method);
        match if needs_token { self.admit(headers).await.err() } else { None } {
            Some(failure) => failure,
            None => Failure::unsupported(operation),
        }
    }

    /// The refusal of a method that a path doesn't have. One that changes something and has no valid token is refused for that.
    pub(super) async fn refuse_method(&self, method: &Method, headers: &HeaderMap) -> Failure {
        match if is_read(method) { None } else { self.admit(headers).await.err() } {
            Some(failure) => failure,
            None => Failure::method_not_allowed(method),
        }
    }

    /// Reads the body of a request whose token was checked.
    pub(super) async fn body(&self, by: &Admitted, body: Body) -> Result<Incoming, Failure> {
        self.intake.body(&by.publisher, body).await
    }

    /// Begins to read a part of such a body, once there is room.
    pub(super) async fn spool(&self, by: &Admitted) -> Result<Spool, Failure> {
        self.intake.begin(&by.publisher).await
    }

    /// Checks that a token may publish a package, before work is done for it. [`Hosting::publish`] checks again.
    pub(super) async fn may_publish(&self, token: &str, package: &str) -> Result<(), Failure> {
        match self.authorize.authorize(Some(token), package, Action::Publish).await? {
            Principal::Anonymous => Err(no_token()),
            _ => Ok(()),
        }
    }

    /// Publishes a file with the token that a request carries.
    pub(super) async fn publish(&self, token: Option<&str>, upload: Upload) -> Result<(), Failure> {
        let principal = self.authorize.authorize(token, &upload.package, Action::Publish).await?;
        if principal == Principal::Anonymous {
            return Err(no_token());
        }
        let (package, version) = (upload.package.clone(), upload.version.clone());
        let published = self.publish_by(&principal, upload).await;
        let refusal = published.as_ref().err().map(Failure::message);
        let done = Use { action: Action::Publish, package: &package, version: Some(&version), refusal };
        self.authorize.used(&principal, &done);
        published
    }

    async fn publish_by(&self, principal: &Principal, mut upload: Upload) -> Result<(), Failure> {
        let proof = self.proof(principal, &mut upload).await?;
        let published = self.store.publish(&upload, &proof, principal, &self.cx).await?;
        let Upload { package, version, name, .. } = &upload;
        published.answer((package, version, name), |refusal| self.provenance.refused(refusal))?;
        principal.log_publish(self.store.ecosystem, package, version);
        Ok(())
    }

    /// Verifies the upload's attestations, if it has any.
    async fn proof(&self, principal: &Principal, upload: &mut Upload) -> Result<Proof, Failure> {
        let requirement = self.provenance.requirement(&upload.package).await?;
        let stored = match upload.vouches.take() {
            Some(vouches) => Some(self.verified(principal, &upload.package, vouches).await?),
            None => None,
        };
        Ok(Proof { requirement, stored })
    }

    /// Verifies a file's attestations, and returns the provenance to store.
    async fn verified(
        &self,
        principal: &Principal,
        package: &str,
        vouches: Vouches,
    ) -> Result<Stored, Failure> {
        let verified = self.provenance.verify(principal, package, vouches.vouched).await?;
        let document = (vouches.document)(&vouches.sent, &verified.attestations);
        Ok(Stored { document, origins: verified.origins })
    }
}

impl fmt::Debug for Hosting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosting").field("ecosystem", &self.store.ecosystem).finish_non_exhaustive()
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Refuses a publish without a token.
fn no_token() -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, "this needs a token; let the CI job exchange its identity for one")
}

/// A content's SHA-256 in hexadecimal digits.
pub(super) fn sha256(content: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(content))
}
