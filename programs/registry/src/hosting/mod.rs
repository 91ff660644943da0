//! Hosting packages that are made of files: what cargo's, PyPI's and RubyGems' halves of the registry have in common.
//!
//! Everything here is public to read. Who may publish is decided by [`Authorize`].

pub(super) mod archive;
mod page;
mod store;

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use oidc_core::Context;
use oidc_exchange::server::StoreError;
use oidc_exchange::sql::SqlStore;
use sha2::{Digest as _, Sha256};

pub(super) use self::page::Page;
pub(super) use self::store::{File, SCHEMA, Upload, Vouches};
use self::store::{Proof, Published, Store};
use super::authorize::{Action, Authorize, Principal, Use};
use super::failure::Failure;
use super::intake::{Incoming, Intake, Spool};
use super::pieces::{Pieces, ranges};
use super::provenance::{Provenance, Stored};
use super::unsupported::Operation;

/// One ecosystem's packages. Clones share everything.
#[derive(Clone)]
pub struct Host {
    store: Store,
    authorize: Arc<dyn Authorize>,
    provenance: Provenance,
    intake: Intake,
    cx: Context,
}

impl Host {
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

    /// Whether provenance is verified and kept.
    pub(super) fn keeps_provenance(&self) -> bool {
        self.provenance.is_kept()
    }

    /// What vouches for a file, as the ecosystem's clients are told.
    pub(super) async fn provenance_of(&self, name: &str) -> Result<String, Failure> {
        let document = self.store.provenance(name).await?;
        document.ok_or_else(|| Failure::not_found(&format!("an attestation of {name}")))
    }

    /// Adds a package without files, unless it exists. `package` is its name as the ecosystem normalises it.
    pub(super) async fn register(&self, package: &str) -> Result<(), StoreError> {
        self.store.register(package, self.cx.clock().now()).await
    }

    /// A page with an entry for each package that has files, by its name and what is read of it with all others.
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
        let ranges = ranges(self.store.positions(package).await?);
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

    /// An answer that is a file's content.
    pub(super) async fn content(&self, name: &str) -> Result<Response, Failure> {
        self.store.content(name).await?.ok_or_else(|| Failure::not_found(name))
    }

    /// What is beside a file's content.
    pub(super) async fn beside(&self, name: &str) -> Result<Vec<u8>, Failure> {
        self.store.beside(name).await?.ok_or_else(|| Failure::not_found(name))
    }

    /// Who published a file, as JSON, if it is there.
    ///
    /// # Errors
    ///
    /// The database refused.
    pub async fn published_by(&self, name: &str) -> Result<Option<String>, sqlx::Error> {
        self.store.published_by(name).await
    }

    /// The token of a request that publishes, if it is one, before the body is read.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Result<String, Failure> {
        let token = token_of(headers)?.ok_or_else(no_token)?;
        self.authorize.recognise(&token).await?;
        Ok(token)
    }

    /// The refusal of an operation that is not supported; where it changes something, for want of a token first.
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

    /// The refusal of a method that a path doesn't have; where it changes something, for want of a token first.
    pub(super) async fn refuse_method(&self, method: &Method, headers: &HeaderMap) -> Failure {
        match if is_read(method) { None } else { self.admit(headers).await.err() } {
            Some(failure) => failure,
            None => Failure::method_not_allowed(method),
        }
    }

    /// Takes in the body of a request whose token is one.
    pub(super) async fn body(&self, body: Body) -> Result<Incoming, Failure> {
        self.intake.body(body).await
    }

    /// Begins to take in a part of such a body, once there is room.
    pub(super) async fn spool(&self) -> Result<Spool, Failure> {
        self.intake.begin().await
    }

    /// Whether a token publishes a package, before work is done for it. [`Host::publish`] asks again.
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
        let (package, version, name) = (upload.package.clone(), upload.version.clone(), upload.name.clone());
        let proof = Proof {
            requirement: self.provenance.requirement(&package).await?,
            stored: match upload.vouches.take() {
                Some(vouches) => Some(self.verified(principal, &package, vouches).await?),
                None => None,
            },
        };
        match self.store.publish(&upload, &proof, principal, &self.cx).await? {
            Published::Done => {
                tracing::info!(ecosystem = self.store.ecosystem, %package, %name, ?principal, "published");
                Ok(())
            }
            Published::NoPackage => {
                let message = format!("{package} is not in this registry, and this token may not create it");
                Err(Failure::new(StatusCode::FORBIDDEN, message))
            }
            Published::OtherCase(other) => {
                let message = format!(
                    "`{package}` differs from `{other}`, which is in this registry, in case alone; publish it under that \
                     name or another"
                );
                Err(Failure::new(StatusCode::CONFLICT, message))
            }
            Published::OtherSpelling(other) => {
                let message = format!(
                    "{package} is spelled `{other}` in this registry, and this file spells it otherwise; publish it under that \
                     name"
                );
                Err(Failure::new(StatusCode::CONFLICT, message))
            }
            Published::Exists(old) if old == version => {
                let message = format!("{name} was published before and can't be published over");
                Err(Failure::new(StatusCode::CONFLICT, message))
            }
            Published::Exists(old) => {
                let message = format!(
                    "{package} {version} was published before, as {package} {old}, and can't be published over; give it \
                     another version"
                );
                Err(Failure::new(StatusCode::CONFLICT, message))
            }
            Published::Full(most) => {
                let message = format!("{package} has as much as this registry serves of one package: {most}");
                Err(Failure::new(StatusCode::FORBIDDEN, message))
            }
            Published::NotTrusted => {
                let message = format!(
                    "the trusted publisher of this token was removed, or it is pending and {package} exists already; \
                     configure it again"
                );
                Err(Failure::new(StatusCode::FORBIDDEN, message))
            }
            Published::TokenEnded => Err(Failure::token_ended()),
            Published::Unproven(refusal) => Err(self.provenance.refused(&refusal)),
        }
    }

    /// Verifies what vouches for a file, and returns what is stored of it.
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

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("ecosystem", &self.store.ecosystem).finish_non_exhaustive()
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// The token of a request, however its client puts it: as bearer, as the password of basic authentication, or alone.
fn token_of(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let unusable = || Failure::new(StatusCode::UNAUTHORIZED, "the `Authorization` header holds no token");
    let value = value.to_str().map_err(|_| unusable())?.trim();
    match value.split_once(' ') {
        None => Ok(Some(value.to_owned())),
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim().to_owned())),
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
            let pair = STANDARD.decode(pair.trim()).ok().and_then(|pair| String::from_utf8(pair).ok());
            let pair = pair.ok_or_else(unusable)?;
            Ok(pair.split_once(':').map(|(_, password)| password.to_owned()))
        }
        Some(_) => Err(unusable()),
    }
}

/// Refuses a publish without a token.
fn no_token() -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, "this needs a token; let the CI job exchange its identity for one")
}

/// A content's SHA-256 in hexadecimal digits.
pub(super) fn sha256(content: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(content))
}
