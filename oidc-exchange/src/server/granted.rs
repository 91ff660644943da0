//! The outcome of a grant, for the caller and for the log.

use std::collections::BTreeSet;

use oidc_core::shown;

use super::candidates::only_first;
use super::choose::Chosen;
use super::grant::{Grant, GrantedBy};
use super::minter::NewToken;
use super::package::Package;
use super::request::Minted;
use super::token::TokenRecord;

/// The number of a grant's packages and publishers that its event names.
const MAX_NAMED: usize = 16;

/// The publishers that accept a token.
pub(super) struct Choice {
    pub(super) chosen: Vec<Chosen>,
    /// `true` if the identity may have more publishers than were read.
    pub(super) is_cut: bool,
}

impl Choice {
    /// Leaves out packages of strangers: first all but the oldest publisher of each account, then all of them
    /// where others remain. Returns `false` where nothing is left to leave out. A stranger is an account that
    /// is not known to publish by the identity.
    pub(super) fn leave_strangers_out(&mut self) -> bool {
        let before = self.chosen.len();
        let age = |chosen: &Chosen| (chosen.record.created_at, chosen.record.id.clone());
        self.chosen.sort_by_key(age);
        let mut accounts = BTreeSet::new();
        self.chosen.retain(|chosen| chosen.is_known || accounts.insert(chosen.record.account.clone()));
        // Only where the first step left nothing out: the caller asks again as long as the text is too long.
        if self.chosen.len() == before && self.chosen.iter().any(|chosen| chosen.is_known) {
            self.chosen.retain(|chosen| chosen.is_known);
        }
        self.is_cut |= self.chosen.len() < before;
        self.chosen.len() < before
    }
}

/// A grant that the store accepted.
pub(super) struct Granted {
    /// The grant without the packages that were left out.
    pub(super) grant: Grant,
    /// The publish token; `None` where no token was requested.
    pub(super) token: Option<NewToken>,
    /// The packages that were left out since their publishers were gone or changed.
    left_out: Vec<String>,
    choice: Choice,
}

impl Granted {
    /// `left_out` contains ids of publishers.
    pub(super) fn new(token: Option<NewToken>, choice: Choice, grant: Grant, left_out: &[String]) -> Self {
        let gone = grant.packages.iter().filter(|by| left_out.contains(&by.publisher));
        let gone = gone.map(|by| format!("`{}`", shown(&by.package.label()))).collect();
        Self { grant: grant.without(left_out), token, left_out: gone, choice }
    }

    pub(super) fn record(&self) -> TokenRecord {
        self.grant.record()
    }

    pub(super) fn into_minted(self) -> Option<Minted> {
        let Grant { packages, created_at, expires_at, .. } = self.grant;
        let packages: BTreeSet<Package> = packages.into_iter().map(|by| by.package).collect();
        let packages = packages.into_iter().collect();
        Some(Minted { token: self.token?.text().clone(), packages, created_at, expires_at })
    }

    /// The publisher that was chosen, or the number of publishers where there are several packages.
    pub(super) fn reason(&self) -> String {
        let is_in = |chosen: &&Chosen| {
            self.grant.packages.iter().any(|by: &GrantedBy| by.publisher == chosen.record.id)
        };
        let mut deciding = self.choice.chosen.iter().filter(is_in);
        match (deciding.next(), self.grant.packages.len()) {
            (Some(one), 1) => one.description.to_string(),
            (_, several) => format!("{several} publishers, one for each package or prefix"),
        }
    }

    /// The same with the packages that were left out of the grant, which may be other people's.
    pub(super) fn for_operator(&self) -> Option<String> {
        if self.left_out.is_empty() && !self.choice.is_cut {
            return None;
        }
        let mut reason = self.reason();
        if !self.left_out.is_empty() {
            reason.push_str("; left out, since their publishers were removed or changed meanwhile: ");
            reason.push_str(&some_of(self.left_out.iter().map(String::as_str)));
        }
        if self.choice.is_cut {
            reason.push_str(&only_first());
        }
        Some(reason)
    }

    /// Returns the packages, for the event.
    pub(super) fn packages(&self) -> String {
        let names: BTreeSet<String> = self.grant.packages.iter().map(|by| by.package.label()).collect();
        some_of(names.iter().map(String::as_str))
    }

    /// Returns the publishers' ids, for the event.
    pub(super) fn publishers(&self) -> String {
        some_of(self.grant.packages.iter().map(|by| by.publisher.as_str()))
    }
}

/// The first of some names, and the number of the others.
fn some_of<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(MAX_NAMED);
    let mut named = names.take(MAX_NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        named.push_str(&format!(" and {more} more"));
    }
    named
}
