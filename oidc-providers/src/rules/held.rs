//! A rule with the value of one publisher.

use std::fmt;

use oidc_core::{Mismatch, shown};

use super::token::Token;
use super::{Comparison, Field};

/// A rule with the value of one publisher.
pub(crate) trait Held: fmt::Debug + Send + Sync {
    /// Compares a token with the rule.
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch>;

    /// Returns the rule in words for a person, unless every publisher has it.
    fn describe(&self) -> Option<String> {
        None
    }
}

/// A field's value in words for a person.
pub(crate) fn words(field: &Field, value: &str) -> String {
    format!("{} {}", field.name(), shown(value))
}

/// The publisher whose rules are read: its comparison, and the names by which it is found.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) comparison: Comparison,
    pub(crate) names: &'a [String],
}
