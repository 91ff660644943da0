//! A package's metadata as clients read it: the packument, full or abbreviated.
//!
//! The two forms and their fields are described in npm/registry, `docs/responses/package-metadata.md`. Either is put together
//! from texts that were made when each version was published, and sent piece by piece.

use std::collections::VecDeque;
use std::ops::Range;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use oidc_core::Timestamp;
use oidc_exchange::server::StoreError;
use tokio::task::JoinError;

use super::access::Principal;
use super::manifest::quoted;
use super::name::PackageName;
use super::store::{Outline, Store, StoredVersion};
use crate::registry::pieces::{self, PIECE, Pieces, ranges};

/// The media type of the abbreviated form, which clients that install ask for.
pub(super) const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// How many characters are sent at once of a manifest that is larger than a piece, and which of them is the last.
const PART: i64 = 64 << 10;
const LAST_OF_PART: usize = (64 << 10) - 1;

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
        pieces::body(Sent {
            packument: self,
            store,
            ranges: ranges.into(),
            characters: 0,
            has_versions: false,
            step: Step::Head,
        })
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

    /// What stands before and behind a manifest that was published: its version, and what this registry says about it.
    fn around(&self, stored: &StoredVersion) -> (String, String) {
        let (name, base, version) = (&self.name, &self.base, &stored.version);
        let tarball = quoted(&format!("{base}/{name}/-/{}", name.tarball(version)));
        let id = match self.form {
            Form::Full => format!("\"_id\":{},", quoted(&format!("{name}@{version}"))),
            Form::Abbreviated => String::new(),
        };
        let (integrity, shasum) = (quoted(&stored.integrity), quoted(&stored.shasum));
        let dist = format!("{{\"integrity\":{integrity},\"shasum\":{shasum},\"tarball\":{tarball}}}");
        (format!("{}:{{", quoted(version)), format!(",{id}\"dist\":{dist}}}"))
    }
}

/// A packument that is being sent.
struct Sent {
    packument: Packument,
    store: Store,
    /// The positions of the versions that are still to be sent, and their size.
    ranges: VecDeque<(Range<i64>, i64)>,
    /// How many characters were sent of the version whose turn it is, where it is larger than a piece.
    characters: i64,
    has_versions: bool,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Head,
    Versions,
    Done,
}

#[async_trait]
impl Pieces for Sent {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let piece = match (self.step, self.ranges.front()) {
            (Step::Head, _) => {
                self.step = Step::Versions;
                self.packument.head().await?
            }
            (Step::Versions, Some((range, size))) if *size > PIECE => {
                let position = range.start;
                self.part(position).await?
            }
            (Step::Versions, Some(_)) => self.versions().await?,
            (Step::Versions, None) => {
                self.step = Step::Done;
                "}}".to_owned()
            }
            (Step::Done, _) => return Ok(None),
        };
        Ok(Some(piece.into()))
    }
}

impl Sent {
    /// The versions whose turn it is.
    async fn versions(&mut self) -> Result<String, StoreError> {
        let Some((range, _)) = self.ranges.pop_front() else { return Ok(String::new()) };
        let mut piece = String::new();
        for stored in self.store.versions(&self.packument.name, self.packument.form, range).await? {
            let (before, behind) = self.packument.around(&stored);
            piece.extend([self.separator(), &before, &stored.manifest, &behind]);
        }
        Ok(piece)
    }

    /// A part of the version at a position, so that no more of it is in memory.
    async fn part(&mut self, position: i64) -> Result<String, StoreError> {
        let (name, form, from) = (&self.packument.name, self.packument.form, self.characters);
        let Some(stored) = self.store.part(name, form, position, (from, PART)).await? else {
            self.ranges.pop_front();
            return Ok(String::new());
        };
        let (before, behind) = self.packument.around(&stored);
        let mut piece = String::new();
        if from == 0 {
            piece.extend([self.separator(), &before]);
        }
        piece.push_str(&stored.manifest);
        self.characters = from.saturating_add(PART);
        if stored.manifest.chars().nth(LAST_OF_PART).is_none() {
            piece.push_str(&behind);
            self.ranges.pop_front();
            self.characters = 0;
        }
        Ok(piece)
    }

    fn separator(&mut self) -> &'static str {
        if std::mem::replace(&mut self.has_versions, true) { "," } else { "" }
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
