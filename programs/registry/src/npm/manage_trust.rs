//! Managing who may publish a package, in npm's form: what `npm trust` speaks.
//!
//! Source: npm's API documentation (`trust.yaml`), and npm's own client, `lib/trust-cmd.js` and `lib/commands/trust/`.

use async_trait::async_trait;
use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::Value;

use super::Answer;
use super::access::Action;
use super::caller::{Caller, read_body};
use super::failure::Failure;
use super::name::Trusted;

/// The largest body that configures publishers, in bytes.
const MAX_TRUST_BYTES: usize = 64 << 10;

/// The publishers of a package, or of a prefix of names: then `package` ends with `*`, which no name does.
/// Publishers are JSON objects in npm's form.
#[async_trait]
pub trait ManageTrust: Send + Sync {
    /// The package's publishers.
    ///
    /// # Errors
    ///
    /// There is no such package.
    async fn list(&self, package: &str) -> Result<Vec<Value>, TrustFailure>;

    /// Adds a publisher and gives it as it is stored.
    ///
    /// # Errors
    ///
    /// There is no such package, it has that publisher already, or the publisher can't be used.
    async fn add(&self, package: &str, publisher: &Value) -> Result<Value, TrustFailure>;

    /// Removes a publisher.
    ///
    /// # Errors
    ///
    /// There is no such publisher, or it is not the API's to remove.
    async fn remove(&self, package: &str, id: &str) -> Result<(), TrustFailure>;
}

/// A publisher could not be listed, added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustFailure {
    /// The status to answer with.
    pub status: StatusCode,
    /// The message to the administrator.
    pub message: String,
}

impl From<TrustFailure> for Failure {
    fn from(failure: TrustFailure) -> Self {
        Self::new(failure.status, failure.message)
    }
}

impl Caller<'_> {
    pub(super) async fn publishers(&self, name: &Trusted) -> Answer {
        let trust = self.trust(name).await?;
        Ok(Json(trust.list(name.as_str()).await?).into_response())
    }

    /// npm sends an array of one; several are added in their order, up to the first that can't be.
    pub(super) async fn add_publishers(&self, name: &Trusted, body: &mut Body) -> Answer {
        let trust = self.trust(name).await?;
        let body = read_body(body, MAX_TRUST_BYTES).await?;
        let publishers: Vec<Value> = serde_json::from_slice(&body)
            .map_err(|_| Failure::malformed("the body is not a JSON array of trusted publishers"))?;
        let mut added = Vec::new();
        for publisher in &publishers {
            added.push(trust.add(name.as_str(), publisher).await?);
        }
        Ok((StatusCode::CREATED, Json(added)).into_response())
    }

    pub(super) async fn remove_publisher(&self, name: &Trusted, id: &str) -> Answer {
        let trust = self.trust(name).await?;
        trust.remove(name.as_str(), id).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// Trust, for whoever may manage it.
    async fn trust(&self, name: &Trusted) -> Result<&dyn ManageTrust, Failure> {
        self.writer_of(name.as_str(), Action::ManageTrust).await?;
        let trust = self.npm.trust.as_deref();
        trust.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "publishers are not managed here"))
    }
}
