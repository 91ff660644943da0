//! The publish of a version.

use axum::body::Body;

use super::Answer;
use super::access::{Action, Principal, Use};
use super::caller::Caller;
use super::document::Publication;
use super::failure::Failure;
use super::name::{PackageName, Version};
use super::outcome::exists;
use crate::intake::blocking;

impl Caller<'_> {
    pub(super) async fn publish(&self, name: PackageName, body: &mut Body) -> Answer {
        let principal = self.writer(&name, Action::Publish).await?;
        let mut version = None;
        let published = self.publish_by(&principal, &name, body, &mut version).await;
        let refusal = published.as_ref().err().map(Failure::message);
        let version = version.as_ref().map(Version::as_str);
        let done = Use { action: Action::Publish, package: name.as_str(), version, refusal };
        self.npm.authorize.used(&principal, &done);
        published
    }

    async fn publish_by(
        &self,
        principal: &Principal,
        name: &PackageName,
        body: &mut Body,
        version: &mut Option<Version>,
    ) -> Answer {
        let counted_as = principal.counted_as(self.bearer.unwrap_or_default());
        let document = self.npm.intake.body(&counted_as, std::mem::take(body)).await?.rest().await?;
        // The tarball, once more and not in base64.
        let length = document.len();
        let (name_of_url, document) = (name.clone(), document.load(length).await?);
        let publication = blocking(move || Publication::parse(name_of_url, &document)).await??;
        let version = version.insert(publication.version.clone());
        let vouched = self.npm.verified(&publication, principal).await?;
        if self.npm.store.published_by(name, version).await?.is_some() {
            return Err(exists(name, version));
        }
        let vouched = self.npm.sign(&publication, vouched).await?;
        let published = self.npm.store.publish(&publication, &vouched, principal, &self.npm.context).await?;
        let answer = published.answer(name, version, |refusal| self.npm.provenance.refused(refusal))?;
        principal.log_publish("npm", name.as_str(), version.as_str());
        Ok(answer)
    }
}
