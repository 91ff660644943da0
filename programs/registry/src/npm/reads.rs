//! Answers about packages: metadata, tarballs, attestations and visibility.

use axum::Json;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use serde_json::json;

use super::Answer;
use super::caller::Caller;
use super::failure::Failure;
use super::name::{PackageName, Tag, Version};
use super::packument::{ABBREVIATED, Packument};
use super::stored::Form;

impl Caller<'_> {
    pub(super) async fn packument(&self, name: &PackageName, headers: &HeaderMap) -> Answer {
        let outline = self.package(name).await?;
        if outline.sizes.is_empty() {
            return Err(Failure::not_found(&format!("a version of {name}")));
        }
        let (media_type, form) = accepted(headers);
        let about = match outline.tags.get(Tag::LATEST) {
            Some(latest) if form == Form::Full => self.npm.store.about(name, latest).await?,
            _ => None,
        };
        let (base, name, about) = (self.npm.public_url.to_string(), name.clone(), about.unwrap_or_default());
        let body = Packument { base, name, form, outline, about }.send(self.npm.store.clone());
        let headers = [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-cache"), (VARY, "accept")];
        Ok((headers, body).into_response())
    }

    pub(super) async fn tarball(&self, name: &PackageName, version: &Version) -> Answer {
        self.may_see(name).await?;
        let tarball = self.npm.store.tarball(name, version).await?;
        let tarball = tarball.ok_or_else(|| Failure::not_found(&format!("{name}@{version}")))?;
        Ok(([(CONTENT_TYPE, "application/octet-stream")], tarball).into_response())
    }

    pub(super) async fn attestations(&self, name: &PackageName, version: &Version) -> Answer {
        self.may_see(name).await?;
        let document = self.npm.store.attestations(name, version).await?;
        let document =
            document.ok_or_else(|| Failure::not_found(&format!("an attestation of {name}@{version}")))?;
        Ok(([(CONTENT_TYPE, "application/json")], document).into_response())
    }

    pub(super) async fn visibility(&self, name: &PackageName) -> Answer {
        let public = self.may_see(name).await?;
        if public && self.bearer.is_some() && !self.npm.provenance.is_kept() {
            // npm and pnpm ask so with the token that they publish with, and sign where the answer is that everybody may see the
            // package. Without an answer they publish without.
            let message = "this registry keeps no provenance, so that it doesn't tell whoever may publish whether to sign; publish \
                           without `--provenance`";
            return Err(Failure::new(StatusCode::FORBIDDEN, message));
        }
        Ok(Json(json!({ "public": public })).into_response())
    }
}

/// The media type and the form that a client accepts.
fn accepted(headers: &HeaderMap) -> (&'static str, Form) {
    let mut accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    if accepted.any(|value| value.contains(ABBREVIATED)) {
        (ABBREVIATED, Form::Abbreviated)
    } else {
        ("application/json", Form::Full)
    }
}
