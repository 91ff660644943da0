//! Rules that each compare a whole claim with a text of the configuration, which is all that most platforms
//! need.

use oidc_core::{Mismatch, shown};

use super::Field;
use super::config::{Config, Fault};
use super::token::Token;

/// A field of a configuration that is compared as a whole, and the check of its value.
pub(crate) type Asked = (&'static Field, fn(&str, &str) -> Result<(), Fault>);

/// The values that a publisher requires.
#[derive(Debug)]
pub(crate) struct Exact(Vec<(&'static Field, String)>);

impl Exact {
    /// Reads the values from a configuration.
    pub(crate) fn read(config: &mut Config<'_>, asked: &'static [Asked]) -> Self {
        let read = |(field, check): &Asked| Some((*field, config.text(field, check)?));
        Self(asked.iter().filter_map(read).collect())
    }

    /// Returns the value of a field; empty where there is none.
    pub(crate) fn value(&self, field: &Field) -> &str {
        let found = self.0.iter().find(|(asked, _)| asked.key == field.key);
        found.map_or("", |(_, value)| value)
    }

    /// Compares a token with the names by which the publisher is found. The pinned ids are compared after
    /// these.
    pub(crate) fn check_names(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        self.check(token, true)
    }

    /// Compares a token with all other values. Only the holder of a token with the pinned ids may be told of
    /// them.
    pub(crate) fn check_others(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        self.check(token, false)
    }

    fn check(&self, token: &Token<'_>, names: bool) -> Result<(), Mismatch> {
        let mut asked = self.0.iter().filter(|(field, _)| field.of.found_by == names);
        asked.try_for_each(|(field, value)| token.is(field, value))
    }

    /// Returns the values in words for a person, separated by commas.
    pub(crate) fn describe(&self) -> String {
        let words = self.0.iter().map(|(field, value)| format!("{} {}", field.name(), shown(value)));
        words.collect::<Vec<_>>().join(", ")
    }
}
