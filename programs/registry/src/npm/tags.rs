//! The tags of a package: read, set and removed.

use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse as _;
use serde_json::json;

use super::Answer;
use super::access::{Action, Principal, Use};
use super::caller::{Caller, read_body};
use super::failure::Failure;
use super::name::{PackageName, Tag, Version};

/// The largest body of a request that sets a tag, in bytes: a version in quotes.
const MAX_TAG_BYTES: usize = 1_024;

impl Caller<'_> {
    pub(super) async fn tags(&self, name: &PackageName) -> Answer {
        self.may_see(name).await?;
        let tags = self.npm.store.tags(name).await?;
        Ok(([(CACHE_CONTROL, "no-cache")], Json(tags)).into_response())
    }

    pub(super) async fn set_tag(&self, name: &PackageName, tag: &Tag, body: &mut Body) -> Answer {
        let principal = self.writer(name, Action::SetTag).await?;
        let set = async {
            let body = read_body(body, MAX_TAG_BYTES).await?;
            let version: String = serde_json::from_slice(&body)
                .map_err(|_| Failure::malformed("the body is not a version in quotes"))?;
            let version = Version::parse(&version)?;
            let set = self.npm.store.set_tag(name, tag, &version, &principal, &self.npm.context).await?;
            set.check(name, &format!("{name}@{version}"))?;
            Ok::<_, Failure>((StatusCode::CREATED, Json(json!({ "ok": true }))).into_response())
        };
        self.noted(&principal, name, set.await)
    }

    pub(super) async fn remove_tag(&self, name: &PackageName, tag: &Tag) -> Answer {
        let principal = self.writer(name, Action::SetTag).await?;
        let remove = async {
            if tag.as_str() == Tag::LATEST {
                let message = "removing the tag latest is not supported; move it to another version";
                return Err(Failure::new(StatusCode::FORBIDDEN, message));
            }
            let removed = self.npm.store.remove_tag(name, tag, &principal, &self.npm.context).await?;
            removed.check(name, &format!("the tag {} of {name}", tag.as_str()))?;
            Ok(Json(json!({ "ok": true })).into_response())
        };
        self.noted(&principal, name, remove.await)
    }

    /// Records a change of tags, done or refused.
    fn noted(&self, principal: &Principal, name: &PackageName, answer: Answer) -> Answer {
        let refusal = answer.as_ref().err().map(Failure::message);
        let done = Use { action: Action::SetTag, package: name.as_str(), version: None, refusal };
        self.npm.authorize.used(principal, &done);
        answer
    }
}
