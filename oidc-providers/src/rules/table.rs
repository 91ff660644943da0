//! A platform's table of rules: the names by which its publishers are found, their immutable ids, and all other rules.

use std::borrow::Cow;

use oidc_core::{ImmutableId, Mismatch, PublisherField};

use super::config::{Check, Config, Fault};
use super::held::words;
use super::link::{is_id, is_uuid};
use super::rule::Rule;
use super::token::Token;
use super::{Comparison, Field, names};

/// The rules of a platform's publishers, in the order in which a token is compared with them.
#[derive(Debug)]
pub(crate) struct Table {
    /// Every field of a publisher.
    pub(crate) fields: &'static [PublisherField],
    /// The names by which a publisher is found.
    pub(crate) keys: &'static [Key],
    /// The immutable ids.
    pub(crate) ids: Ids,
    /// All other rules, of which tables with the same rules share a part.
    pub(crate) rules: &'static [&'static [Rule]],
    /// The check that a token is one that its issuer may make, before all rules.
    pub(crate) of_issuer: fn(&Token<'_>, &str) -> Result<(), Mismatch>,
    /// The check that a token has an identity at all, where its names are not all there is to it.
    pub(crate) identifies: fn(&Token<'_>) -> Result<(), Mismatch>,
    /// `true` if signing certificates repeat the claims, so that publishers are compared with certificates too.
    pub(crate) is_certified: bool,
}

impl Table {
    /// A table without fields and rules, for the parts that most platforms leave out.
    pub(crate) const EMPTY: Self = Self {
        fields: &[],
        keys: &[],
        ids: Ids::NONE,
        rules: &[],
        of_issuer: |_, _| Ok(()),
        identifies: |_| Ok(()),
        is_certified: false,
    };

    /// Returns the part of a claim that is compared with the field of this key, and the field with that claim
    /// ([`Rule::part`]).
    pub(crate) fn part<'t>(
        &self,
        key: &str,
        token: &Token<'t>,
    ) -> Option<(&'static Field, Option<Cow<'t, str>>)> {
        self.rules.iter().copied().flatten().find_map(|rule| rule.part(key, token))
    }

    /// Returns the key by which publishers with these names are found, the same for names that are compared as equal.
    pub(crate) fn key(
        &self,
        comparison: Comparison,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> String {
        let part = |(key, name): (&Key, _)| key.part(comparison, AsRef::as_ref(&name));
        self.keys.iter().zip(names).map(part).collect::<Vec<_>>().join("/")
    }
}

/// A name by which a publisher is found.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) field: &'static Field,
    check: CheckOfName,
    /// The texts around the name in the publisher's key, which tell it from another name.
    around: [&'static str; 2],
    describe: Option<fn(&str) -> String>,
}

/// The check of a name in a configuration, which may depend on the issuer.
#[derive(Debug)]
enum CheckOfName {
    Any(Check),
    OfIssuer(fn(&str, &str, &str) -> Result<(), Fault>),
}

impl Key {
    /// A name that stands alone in the key.
    pub(crate) const fn new(field: &'static Field, check: Check) -> Self {
        Self { field, check: CheckOfName::Any(check), around: ["", ""], describe: None }
    }

    /// A name whose check depends on the issuer, which is the last argument.
    pub(crate) const fn of_issuer(
        field: &'static Field,
        check: fn(&str, &str, &str) -> Result<(), Fault>,
    ) -> Self {
        Self { field, check: CheckOfName::OfIssuer(check), around: ["", ""], describe: None }
    }

    /// Puts texts around the name in the publisher's key.
    pub(crate) const fn between(mut self, before: &'static str, behind: &'static str) -> Self {
        self.around = [before, behind];
        self
    }

    /// Sets the words that describe the name for a person, where the name itself does not belong in logs.
    pub(crate) const fn described_by(mut self, words: fn(&str) -> String) -> Self {
        self.describe = Some(words);
        self
    }

    /// Returns the name in words for a person.
    pub(crate) fn words(&self, name: &str) -> String {
        self.describe.map_or_else(|| words(self.field, name), |describe| describe(name))
    }

    /// Reads the name; it is empty where the configuration has none, which is then a fault.
    pub(crate) fn read(&self, config: &mut Config<'_>, issuer: &str) -> String {
        let name = match self.check {
            CheckOfName::Any(check) => config.text(self.field, check),
            CheckOfName::OfIssuer(check) => config.text(self.field, |key, text| check(key, text, issuer)),
        };
        name.unwrap_or_default()
    }

    fn part(&self, comparison: Comparison, name: &str) -> String {
        let [before, behind] = self.around;
        format!("{before}{}{behind}", comparison.key(self.field, name))
    }
}

/// The immutable ids of a publisher. The first is that of the repository or project itself.
#[derive(Debug)]
pub(crate) struct Ids {
    fields: &'static [&'static Field],
    check: Check,
    is_id: fn(&str) -> bool,
    may_lack: bool,
    tell_renames: bool,
    fix: Option<&'static str>,
}

impl Ids {
    /// A platform whose names outlive a rename themselves, or that has no ids.
    pub(crate) const NONE: Self = Self::new(&[], names::id, is_id);

    /// Ids of these fields, which every token has. `check` accepts those that a configuration may name, and
    /// `is_id` those that a token may have.
    pub(crate) const fn new(
        fields: &'static [&'static Field],
        check: Check,
        is_id: fn(&str) -> bool,
    ) -> Self {
        Self { fields, check, is_id, may_lack: false, tell_renames: false, fix: None }
    }

    /// Ids that are numbers.
    pub(crate) const fn numbers(fields: &'static [&'static Field]) -> Self {
        Self::new(fields, names::id, is_id)
    }

    /// Ids that are UUIDs.
    pub(crate) const fn uuids(fields: &'static [&'static Field]) -> Self {
        Self::new(fields, names::uuid, is_uuid)
    }

    /// Marks ids that not every token has. They are learned from a token that has them.
    pub(crate) const fn may_lack(mut self) -> Self {
        self.may_lack = true;
        self
    }

    /// Marks ids by whose first one a renamed repository is recognized.
    pub(crate) const fn tell_renames(mut self) -> Self {
        self.tell_renames = true;
        self
    }

    /// Sets the fix of a token without the ids, where a job has to ask for them.
    pub(crate) const fn asked_for_by(mut self, fix: &'static str) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Reads the ids; `None` for those that are to be learned.
    pub(crate) fn read(&self, config: &mut Config<'_>) -> Vec<ConfiguredId> {
        self.fields.iter().map(|field| (*field, config.text(field, self.check))).collect()
    }

    /// Returns the id by which a renamed repository is recognized, among those of a publisher.
    pub(crate) fn of_repository<'p>(&self, ids: &'p [ConfiguredId]) -> Option<&'p ConfiguredId> {
        ids.first().filter(|_| self.tell_renames)
    }

    /// Returns the id of the token's repository, by which its publishers are found after a rename.
    pub(crate) fn immutable_id(&self, token: &Token<'_>) -> Option<ImmutableId> {
        let field = self.fields.first().filter(|_| self.tell_renames)?;
        token.learn(field, self.is_id).ok()
    }

    /// Compares the ids with the configured ones, and learns the others.
    pub(crate) fn check(
        &self,
        token: &Token<'_>,
        ids: &[ConfiguredId],
    ) -> Result<Vec<ImmutableId>, Mismatch> {
        let learned = token.ids(ids, |field| {
            if self.may_lack && token.optional(field.claim)?.is_none() {
                return Ok(None);
            }
            token.learn(field, self.is_id).map(Some)
        });
        learned.map_err(|mismatch| match self.fix {
            Some(fix) if mismatch.diagnosis().code == oidc_core::codes::CLAIM_MISSING => {
                let diagnosis = mismatch.diagnosis().clone().fix(fix);
                // Only the fix is replaced: who may be told of the mismatch stays as `Token::ids` decided.
                if mismatch.is_stranger() { Mismatch::stranger(diagnosis) } else { Mismatch::new(diagnosis) }
            }
            _ => mismatch,
        })
    }
}

/// An id's field, and the id where the publisher has it.
pub(crate) type ConfiguredId = (&'static Field, Option<String>);
