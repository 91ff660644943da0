//! Rules that compare a whole claim with a text of the configuration, one by one: all that most platforms need.

use oidc_core::{Mismatch, shown};

use super::Field;
use super::config::{Config, Fault};
use super::token::Token;

/// A field of a configuration that is compared as a whole, and what may stand there.
pub(crate) type Asked = (&'static Field, fn(&str, &str) -> Result<(), Fault>);

/// The values that a publisher asks for.
#[derive(Debug)]
pub(crate) struct Exact(Vec<(&'static Field, String)>);

impl Exact {
    /// Reads them from a configuration.
    pub(crate) fn read(config: &mut Config<'_>, asked: &'static [Asked]) -> Self {
        let read = |(field, check): &Asked| Some((*field, config.text(field, check)?));
        Self(asked.iter().filter_map(read).collect())
    }

    /// The value of a field, empty where there is none.
    pub(crate) fn value(&self, field: &Field) -> &str {
        let found = self.0.iter().find(|(asked, _)| asked.key == field.key);
        found.map_or("", |(_, value)| value)
    }

    /// Holds a token against the names by which the publisher is found. Pinned ids come next.
    pub(crate) fn check_names(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        self.check(token, true)
    }

    /// Holds a token against all that are no such names. Only who has the pinned ids may be told of them.
    pub(crate) fn check_others(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        self.check(token, false)
    }

    fn check(&self, token: &Token<'_>, names: bool) -> Result<(), Mismatch> {
        let mut asked = self.0.iter().filter(|(field, _)| field.of.found_by == names);
        asked.try_for_each(|(field, value)| token.is(field, value))
    }

    /// The values in a person's words, with commas between them.
    pub(crate) fn describe(&self) -> String {
        let words = self.0.iter().map(|(field, value)| format!("{} {}", field.name(), shown(value)));
        words.collect::<Vec<_>>().join(", ")
    }
}
