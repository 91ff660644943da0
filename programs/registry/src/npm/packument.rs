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

use super::json::quoted;
use super::name::PackageName;
use super::store::Store;
use super::stored::{Form, Outline, StoredVersion};
use crate::pieces::{self, PIECE, Pieces, ranges};

/// The media type of the abbreviated form, which clients that install ask for.
pub(super) const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// The size of the text around a manifest, in bytes, with the longest names and versions.
const AROUND: i64 = 2 << 10;
/// The number of versions whose dates are read and sent together.
const DATES: i64 = 256;
/// The number of characters that are sent at once of a manifest that is larger than a piece, and the position of the last one.
const PART: i64 = 64 << 10;
const LAST_OF_PART: usize = (64 << 10) - 1;

/// A packument that is to be sent.
#[derive(Debug)]
pub(super) struct Packument {
    /// The registry's public URL without a trailing slash.
    pub(super) base: String,
    pub(super) name: PackageName,
    pub(super) form: Form,
    pub(super) outline: Outline,
    /// The members about the package, which the latest version has.
    pub(super) about: String,
}

impl Packument {
    /// The body, whose versions are read from the store when the client has taken those before.
    pub(super) fn send(mut self, store: Store) -> Body {
        let sizes = std::mem::take(&mut self.outline.sizes);
        let end = sizes.last().map_or(0, |(position, _)| position.saturating_add(1));
        let ranges =
            ranges(sizes.into_iter().map(|(position, size)| (position, size.saturating_add(AROUND))));
        pieces::body(Sent {
            packument: self,
            store,
            dates: 0..end,
            ranges: ranges.into(),
            characters: 0,
            has_versions: false,
            step: Step::Head,
        })
    }

    /// Everything up to the versions or, in the full form, their dates.
    fn head(&mut self) -> String {
        let (about, outline) = (std::mem::take(&mut self.about), std::mem::take(&mut self.outline));
        match self.form {
            Form::Full => full(&self.name, &about, &outline),
            Form::Abbreviated => abbreviated(&self.name, &outline),
        }
    }

    /// The texts before and behind a published manifest: its version, and the members that this registry adds.
    fn around(&self, stored: &StoredVersion) -> (String, String) {
        let (name, base, version) = (&self.name, &self.base, &stored.version);
        let tarball = quoted(&format!("{base}/{name}/-/{}", name.tarball(version)));
        let id = match self.form {
            Form::Full => format!("\"_id\":{},", quoted(&format!("{name}@{version}"))),
            Form::Abbreviated => String::new(),
        };
        let (integrity, shasum) = (quoted(&stored.integrity), quoted(&stored.shasum));
        let vouched = self.vouched(stored);
        let dist =
            format!("{{\"integrity\":{integrity},\"shasum\":{shasum},\"tarball\":{tarball}{vouched}}}");
        (format!("{}:{{", quoted(version)), format!(",{id}\"dist\":{dist}}}"))
    }

    /// The members of `dist` about signatures and attestations.
    fn vouched(&self, stored: &StoredVersion) -> String {
        let mut members = String::new();
        if !stored.signatures.is_empty() {
            members.push_str(&format!(",\"signatures\":{}", stored.signatures));
        }
        if !stored.predicate_type.is_empty() {
            let path = format!("{}@{}", self.name.as_str().replace('/', "%2f"), stored.version);
            let url = quoted(&format!("{}/-/npm/v1/attestations/{path}", self.base));
            let predicate = quoted(&stored.predicate_type);
            members.push_str(&format!(
                ",\"attestations\":{{\"url\":{url},\"provenance\":{{\"predicateType\":{predicate}}}}}"
            ));
        }
        members
    }
}

/// A packument that is being sent.
struct Sent {
    packument: Packument,
    store: Store,
    /// The positions of the versions whose dates are still to be sent.
    dates: Range<i64>,
    /// The positions of the versions that are still to be sent, and their size.
    ranges: VecDeque<(Range<i64>, i64)>,
    /// The number of characters that were sent of the current version, where it is larger than a piece.
    characters: i64,
    has_versions: bool,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Head,
    Dates,
    Versions,
    Done,
}

#[async_trait]
impl Pieces for Sent {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let piece = match (self.step, self.ranges.front()) {
            (Step::Head, _) => {
                let is_full = self.packument.form == Form::Full;
                self.step = if is_full { Step::Dates } else { Step::Versions };
                self.packument.head()
            }
            (Step::Dates, _) => self.dates().await?,
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
    /// The next dates.
    async fn dates(&mut self) -> Result<String, StoreError> {
        let positions = self.dates.start..self.dates.start.saturating_add(DATES).min(self.dates.end);
        self.dates.start = positions.end;
        let mut piece = String::new();
        for (version, published_at) in self.store.dates(&self.packument.name, positions).await? {
            piece.push_str(&format!(",{}:\"{}\"", quoted(&version), iso(published_at)));
        }
        if self.dates.is_empty() {
            self.step = Step::Versions;
            piece.push_str("},\"versions\":{");
        }
        Ok(piece)
    }

    /// The next versions.
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
        if stored.manifest.chars().count() <= LAST_OF_PART {
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
    let (tags, created, modified) = (tags(outline), iso(outline.created_at), iso(outline.modified_at));
    format!(
        "{{{about}{separator}\"_id\":{name},\"name\":{name},\"dist-tags\":{tags},\"time\":{{\"created\":\"{created}\",\
         \"modified\":\"{modified}\""
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

/// The instant as JavaScript writes it, to the millisecond.
fn iso(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.as_signed_secs()).unwrap_or(jiff::Timestamp::MAX);
    format!("{at:.3}")
}
