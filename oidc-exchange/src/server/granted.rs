//! What became of a grant, for the caller and for the log.

use oidc_core::{Secret, shown};

use super::choose::Chosen;
use super::grant::{Grant, GrantedBy};
use super::request::Minted;
use super::store::MAX_CANDIDATES;

/// So many packages and publishers of a grant are named in its event.
const MAX_NAMED: usize = 16;

/// The publishers that let a token in.
pub(super) struct Choice {
    pub(super) chosen: Vec<Chosen>,
    /// Whether the identity may have more publishers than were looked at.
    pub(super) is_cut: bool,
}

/// A grant that the store took.
pub(super) struct Granted {
    pub(super) minted: Minted,
    publishers: Vec<String>,
    /// Packages whose publishers were not there any more.
    left_out: Vec<String>,
    choice: Choice,
}

impl Granted {
    /// `left_out` names publishers.
    pub(super) fn new(token: Secret, choice: Choice, grant: &Grant, left_out: &[String]) -> Self {
        let is_left_out = |by: &&GrantedBy| left_out.contains(&by.publisher);
        let (gone, granted): (Vec<&GrantedBy>, Vec<&GrantedBy>) =
            grant.packages.iter().partition(is_left_out);
        let packages = granted.iter().map(|by| by.package.clone()).collect();
        Self {
            minted: Minted { token, packages, created_at: grant.created_at, expires_at: grant.expires_at },
            publishers: granted.iter().map(|by| by.publisher.clone()).collect(),
            left_out: gone.iter().map(|by| format!("`{}`", shown(&by.package.name))).collect(),
            choice,
        }
    }

    /// The publisher that decided, or how many where there are several packages; and what is not in the grant.
    pub(super) fn reason(&self) -> String {
        let decided = |chosen: &&Chosen| self.publishers.contains(&chosen.record.id);
        let mut deciding = self.choice.chosen.iter().filter(decided);
        let mut reason = match (deciding.next(), self.publishers.len()) {
            (Some(one), 1) => one.description.clone(),
            (_, several) => format!("{several} publishers, one for each package"),
        };
        if !self.left_out.is_empty() {
            reason.push_str("; left out, since their publishers were removed or changed meanwhile: ");
            reason.push_str(&some_of(self.left_out.iter().map(String::as_str)));
        }
        if self.choice.is_cut {
            reason.push_str(&only_first());
        }
        reason
    }

    /// The packages, for the event.
    pub(super) fn packages(&self) -> String {
        some_of(self.minted.packages.iter().map(|package| package.name.as_str()))
    }

    /// The publishers' ids, for the event.
    pub(super) fn publishers(&self) -> String {
        some_of(self.publishers.iter().map(String::as_str))
    }
}

/// What is said where an identity may have more publishers than were looked at.
pub(super) fn only_first() -> String {
    format!(
        "; only {MAX_CANDIDATES} publishers of the identity were looked at, the oldest, and pending ones last"
    )
}

/// The first of some names, and how many more there are.
fn some_of<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(MAX_NAMED);
    let mut named = names.take(MAX_NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        named.push_str(&format!(" and {more} more"));
    }
    named
}
