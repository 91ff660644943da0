//! A package's metadata as clients read it: the packument, full or abbreviated.
//!
//! The two forms and their fields are described in npm/registry, `docs/responses/package-metadata.md`. Either is put together
//! from texts that were made when each version was published, and sent piece by piece.

use std::fmt::Write as _;
use std::ops::Range;

use axum::body::{Body, Bytes};
use http_body_util::channel::{Channel, Sender};
use oidc_core::Timestamp;

use super::access::Principal;
use super::manifest::quoted;
use super::name::PackageName;
use super::store::{Listed, Outline, Store, StoreError, StoredVersion};

/// The media type of the abbreviated form, which clients that install ask for.
pub(super) const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// How many bytes of manifests are sent at once, unless one alone has more.
const PIECE: i64 = 128 << 10;

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
        let (sender, body) = Channel::<Bytes, StoreError>::new(1);
        tokio::spawn(async move {
            let mut sender = sender;
            if let Err(error) = self.pieces(&store, &mut sender).await {
                tracing::error!(%error, package = %self.name, "a packument can't be read");
                sender.abort(error);
            }
        });
        Body::new(body)
    }

    async fn pieces(&self, store: &Store, sender: &mut Sender<Bytes, StoreError>) -> Result<(), StoreError> {
        let head = match self.form {
            Form::Full => self.full(),
            Form::Abbreviated => self.abbreviated(),
        };
        let mut piece = head;
        let mut separator = "";
        for range in ranges(&self.outline.versions) {
            for stored in store.versions(&self.name, self.form, range).await? {
                piece.push_str(separator);
                self.version(&stored, &mut piece);
                separator = ",";
            }
            // The client is gone where this fails.
            if sender.send_data(std::mem::take(&mut piece).into()).await.is_err() {
                return Ok(());
            }
        }
        piece.push_str("}}");
        let _gone = sender.send_data(piece.into()).await;
        Ok(())
    }

    /// Everything up to the versions.
    fn full(&self) -> String {
        let (name, about) = (quoted(self.name.as_str()), &self.about);
        let separator = if about.is_empty() { "" } else { "," };
        let tags = tags(&self.outline);
        let times = times(&self.outline);
        format!(
            "{{{about}{separator}\"_id\":{name},\"name\":{name},\"dist-tags\":{tags},\"time\":{times},\"versions\":{{"
        )
    }

    fn abbreviated(&self) -> String {
        let (name, modified) = (quoted(self.name.as_str()), iso(self.outline.modified_at));
        let tags = tags(&self.outline);
        format!("{{\"name\":{name},\"modified\":\"{modified}\",\"dist-tags\":{tags},\"versions\":{{")
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

/// The positions of versions that are read together.
fn ranges(versions: &[Listed]) -> Vec<Range<i64>> {
    let mut ranges = Vec::new();
    let mut current: Option<(Range<i64>, i64)> = None;
    for listed in versions {
        let end = listed.position.saturating_add(1);
        current = match current {
            Some((range, size)) if size.saturating_add(listed.size) <= PIECE => {
                Some((range.start..end, size.saturating_add(listed.size)))
            }
            before => {
                ranges.extend(before.map(|(range, _)| range));
                Some((listed.position..end, listed.size))
            }
        };
    }
    ranges.extend(current.map(|(range, _)| range));
    ranges
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_together_as_far_as_they_are_small() {
        let sizes = [1, PIECE - 1, 1, PIECE * 4, PIECE * 4, 1, 1];
        let listed = |(position, size): (i64, &i64)| Listed {
            version: String::new(),
            published_at: Timestamp::default(),
            position,
            size: *size,
        };
        let versions: Vec<Listed> = (0..).zip(&sizes).map(listed).collect();
        assert_eq!(ranges(&versions), [0..2, 2..3, 3..4, 4..5, 5..7]);
        assert_eq!(ranges(&[]), []);
    }
}
