//! Rules of publishers for several repositories: a pattern for names, and everything below an owner.

use std::borrow::Cow;

use oidc_core::{Mismatch, shown};

use super::config::{Config, Fault, invalid};
use super::glob::Glob;
use super::held::{Held, Scope, words};
use super::token::{Token, differs};
use super::{Comparison, Field, names};
use crate::codes;

/// A publisher's pattern for the names of several. Without a pattern, every name fits.
#[derive(Debug)]
pub(super) struct Several {
    field: &'static Field,
    pattern: Option<Glob>,
}

impl Several {
    pub(super) fn read(
        field: &'static Field,
        config: &mut Config<'_>,
        comparison: Comparison,
        check: impl Fn(&str, &str) -> Result<(), Fault>,
    ) -> Self {
        let parse = |key: &str, text: &str| {
            check(key, text)?;
            Glob::parse(key, &comparison.key(field, text))
        };
        Self { field, pattern: config.parse(field, parse) }
    }

    /// Compares the name that `find` returns with the pattern. It is not looked for where there is none.
    pub(super) fn check<'t>(
        &self,
        token: &Token<'t>,
        find: impl FnOnce() -> Result<Cow<'t, str>, Mismatch>,
    ) -> Result<(), Mismatch> {
        let Some(pattern) = &self.pattern else { return Ok(()) };
        let found = find()?;
        if pattern.matches(&token.comparison.key(self.field, &found)) {
            return Ok(());
        }
        let fix = "publish from one that fits, or change the pattern";
        Err(Mismatch::new(differs(self.field, &found, pattern.as_str()).fix(fix)))
    }

    /// Returns the rule in words for a person.
    pub(super) fn words(&self) -> String {
        words(self.field, self.pattern.as_ref().map_or("all", Glob::as_str))
    }
}

/// The repositories of an owner, by whose name the publisher is found.
#[derive(Debug)]
pub(super) struct Below {
    owner: &'static Field,
    repositories: Several,
}

impl Below {
    pub(super) fn read(
        owner: &'static Field,
        repositories: &'static Field,
        config: &mut Config<'_>,
        scope: &Scope<'_>,
    ) -> Self {
        let name = scope.names.first().map_or("", String::as_str);
        let check = |key: &str, text: &str| is_below(name, key, text);
        Self { owner, repositories: Several::read(repositories, config, scope.comparison, check) }
    }
}

impl Held for Below {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let field = self.repositories.field;
        let (repository, owner) = (token.required(field.claim)?, token.required(self.owner.claim)?);
        let (found, name) = repository.split_once('/').unwrap_or_default();
        let is_name = !name.is_empty() && !name.contains('/');
        if is_name && token.comparison.same(self.owner, found, &owner) {
            return self.repositories.check(token, || Ok(repository));
        }
        let fix = "the token contradicts itself; tell the platform's operator";
        Err(Mismatch::new(differs(field, &repository, &owner).fix(fix)))
    }

    fn describe(&self) -> Option<String> {
        Some(self.repositories.words())
    }
}

/// Checks that a pattern is for repositories of the owner. The owner is empty where the configuration has none that is
/// valid.
fn is_below(owner: &str, key: &str, text: &str) -> Result<(), Fault> {
    names::ascii(key, text)?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*');
    let name =
        text.split_once('/').filter(|(found, _)| owner.is_empty() || found.eq_ignore_ascii_case(owner));
    if name.is_some_and(|(_, name)| !name.is_empty() && name.bytes().all(is_word)) {
        return Ok(());
    }
    let problem = "it is no pattern for repositories of the owner";
    let example = if owner.is_empty() { "acme" } else { owner };
    let fix = format!("write it as `{0}/widget-*`, or leave it out for all of `{0}`", shown(example));
    Err(invalid(codes::PUBLISHER_REPOSITORY, key, problem).found(text).fix(fix))
}
