//! The sender of a request, and what it may see and change.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;

use super::Npm;
use super::access::{Action, Principal};
use super::failure::Failure;
use super::name::PackageName;
use super::stored::Outline;
use crate::intake::unread;
use crate::pieces::aside;

/// The sender of a request.
pub(super) struct Caller<'a> {
    pub(super) npm: &'a Npm,
    pub(super) bearer: Option<&'a str>,
}

impl Caller<'_> {
    /// The package, as far as the caller may see it.
    pub(super) async fn package(&self, name: &PackageName) -> Result<Outline, Failure> {
        let reader = self.npm.authorize.authorize(self.bearer, name.as_str(), Action::Read).await?;
        let (store, own) = (self.npm.store.clone(), name.clone());
        let package = aside(async move { store.outline(&own).await }).await??;
        let package = package.filter(|package| package.public || reader != Principal::Anonymous);
        package.ok_or_else(|| Failure::not_found(name.as_str()))
    }

    /// The visibility of the package: `true` if it is public. A private package that the caller may not see is answered like one
    /// that doesn't exist.
    pub(super) async fn may_see(&self, name: &PackageName) -> Result<bool, Failure> {
        let reader = self.npm.authorize.authorize(self.bearer, name.as_str(), Action::Read).await?;
        let public = self.npm.store.visibility(name).await?;
        let public = public.filter(|&public| public || reader != Principal::Anonymous);
        public.ok_or_else(|| Failure::not_found(name.as_str()))
    }

    /// Checks that the caller has a token of this registry's, for requests that no token allows.
    pub(super) async fn holds_a_token(&self) -> Result<(), Failure> {
        let bearer = self.bearer.ok_or_else(no_token)?;
        self.npm.authorize.recognise(bearer).await?;
        Ok(())
    }

    /// The principal of a request that changes something.
    pub(super) async fn writer(&self, name: &PackageName, action: Action) -> Result<Principal, Failure> {
        self.writer_of(name.as_str(), action).await
    }

    /// The principal of a request that changes something of the package of this name, or of all whose names begin with it.
    pub(super) async fn writer_of(&self, name: &str, action: Action) -> Result<Principal, Failure> {
        match self.npm.authorize.authorize(self.bearer, name, action).await? {
            Principal::Anonymous => Err(no_token()),
            principal => Ok(principal),
        }
    }
}

fn no_token() -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, "this needs a token")
}

/// Reads a whole body of at most so many bytes.
pub(super) async fn read_body(body: &mut Body, limit: usize) -> Result<Bytes, Failure> {
    to_bytes(std::mem::take(body), limit).await.map_err(|_| unread(limit))
}
