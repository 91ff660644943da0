//! A package's metadata as clients read it: the packument, full or abbreviated.
//!
//! The two forms and their fields are described in npm/registry, `docs/responses/package-metadata.md`. Either is put together
//! from texts that were made when each version was published, and sent piece by piece.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::ops::Range;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use oidc_core::Timestamp;
use tokio::task::JoinError;

use super::access::Principal;
use super::manifest::quoted;
use super::name::PackageName;
use super::store::{Outline, Store, StoredVersion};
use crate::registry::pieces::{self, Pieces, ranges};

/// The media type of the abbreviated form, which clients that install ask for.
pub(super) const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// Which of the two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Full,
    Abbreviated,
}

/// A packument that is to be sent.
#[derive(Debug)]
pub(super) struct Packument {
    /// The registry's public URL without a trailing slash.
    pub(super) base: String,
    pub(super) name: PackageName,
    pub(super) form: Form,
    pub(super) outline: Outline,
    /// What the latest version says of the package.
    pub(super) about: String,
}

impl Packument {
    /// The body, whose versions are read from the store when the client has taken those before.
    pub(super) fn send(self, store: Store) -> Body {
        let ranges = ranges(self.outline.versions.iter().map(|listed| (listed.position, listed.size)));
        pieces::body(Sent { packument: self, store, ranges: ranges.into(), step: Step::Head })
    }

    /// Everything up to the versions, whose dates take a while to write where they are many.
    async fn head(&mut self) -> Result<String, JoinError> {
        let (name, form, about) = (self.name.clone(), self.form, std::mem::take(&mut self.about));
        let outline = std::mem::take(&mut self.outline);
        tokio::task::spawn_blocking(move || match form {
            Form::Full => full(&name, &about, &outline),
            Form::Abbreviated => abbreviated(&name, &outline),
        })
        .await
    }

    /// The manifest that was published, with what this registry says about it.
    fn version(&self, stored: &StoredVersion, text: &mut String) {
        let (name, base, version) = (&self.name, &self.base, &stored.version);
        let tarball = quoted(&format!("{base}/{name}/-/{}", name.tarball(version)));
        let id = match self.form {
            Form::Full => format!("\"_id\":{},", quoted(&format!("{name}@{version}"))),
            Form::Abbreviated => String::new(),
        };
        let (version, integrity, shasum) =
            (quoted(version), quoted(&stored.integrity), quoted(&stored.shasum));
        let dist = format!("{{\"integrity\":{integrity},\"shasum\":{shasum},\"tarball\":{tarball}}}");
        // Writing to a text does not fail.
        let _written = write!(text, "{version}:{{{},{id}\"dist\":{dist}}}", stored.manifest);
    }
}

/// A packument that is being sent.
struct Sent {
    packument: Packument,
    store: Store,
    ranges: VecDeque<Range<i64>>,
    step: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Head,
    FirstVersion,
    Versions,
    Done,
}

#[async_trait]
impl Pieces for Sent {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let Self { packument, store, ranges, step } = self;
        let mut separator = match step {
            Step::Head => {
                *step = Step::FirstVersion;
                return Ok(Some(packument.head().await?.into()));
            }
            Step::FirstVersion => "",
            Step::Versions => ",",
            Step::Done => return Ok(None),
        };
        let Some(range) = ranges.pop_front() else {
            *step = Step::Done;
            return Ok(Some(Bytes::from_static(b"}}")));
        };
        let mut piece = String::new();
        for stored in store.versions(&packument.name, packument.form, range).await? {
            piece.push_str(separator);
            packument.version(&stored, &mut piece);
            (separator, *step) = (",", Step::Versions);
        }
        Ok(Some(piece.into()))
    }
}

fn full(name: &PackageName, about: &str, outline: &Outline) -> String {
    let name = quoted(name.as_str());
    let separator = if about.is_empty() { "" } else { "," };
    let (tags, times) = (tags(outline), times(outline));
    format!(
        "{{{about}{separator}\"_id\":{name},\"name\":{name},\"dist-tags\":{tags},\"time\":{times},\"versions\":{{"
    )
}

fn abbreviated(name: &PackageName, outline: &Outline) -> String {
    let (name, modified, tags) = (quoted(name.as_str()), iso(outline.modified_at), tags(outline));
    format!("{{\"name\":{name},\"modified\":\"{modified}\",\"dist-tags\":{tags},\"versions\":{{")
}

fn tags(outline: &Outline) -> String {
    let tags = outline.tags.iter().map(|(tag, version)| format!("{}:{}", quoted(tag), quoted(version)));
    format!("{{{}}}", tags.collect::<Vec<_>>().join(","))
}

fn times(outline: &Outline) -> String {
    let own = [("created", outline.created_at), ("modified", outline.modified_at)];
    let versions = outline.versions.iter().map(|listed| (listed.version.as_str(), listed.published_at));
    let times =
        own.into_iter().chain(versions).map(|(event, at)| format!("{}:\"{}\"", quoted(event), iso(at)));
    format!("{{{}}}", times.collect::<Vec<_>>().join(","))
}

/// How npmjs marks a version from a trusted publisher, as a member of its manifest. pnpm's `trustPolicy: no-downgrade` reads it.
pub(super) fn publisher(principal: &Principal) -> Option<String> {
    let Principal::TrustedPublisher { provider, publisher, .. } = principal else { return None };
    let (name, id) = (quoted(&format!("{provider} trusted publisher")), quoted(provider));
    let config = quoted(&format!("oidc:{publisher}"));
    Some(format!(
        "\"_npmUser\":{{\"name\":{name},\"trustedPublisher\":{{\"id\":{id},\"oidcConfigId\":{config}}}}}"
    ))
}

/// The instant as JavaScript writes it, to the millisecond.
fn iso(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.as_signed_secs()).unwrap_or(jiff::Timestamp::MAX);
    format!("{at:.3}")
}
