//! Rules that compare a whole claim with a text of the configuration, one by one: all that most platforms need.

use oidc_core::{Claims, InvalidPublisher, Mismatch, Setting, shown};

use super::Field;
use super::config::Config;
use super::token::Token;

/// A field of a configuration that is compared as a whole.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) field: Field,
    /// What a description calls it.
    name: &'static str,
    /// Whether a publisher is found by it.
    is_name: bool,
    /// A value to show who left it out; none where it may be left out.
    example: Option<&'static str>,
    /// What may stand there.
    check: fn(&str, &str) -> Result<(), InvalidPublisher>,
}

impl Asked {
    /// A field by which a publisher is found.
    pub(crate) const fn name(
        field: Field,
        name: &'static str,
        example: &'static str,
        check: fn(&str, &str) -> Result<(), InvalidPublisher>,
    ) -> Self {
        Self { field, name, is_name: true, example: Some(example), check }
    }

    /// Another field that no publisher can do without.
    pub(crate) const fn required(
        field: Field,
        name: &'static str,
        example: &'static str,
        check: fn(&str, &str) -> Result<(), InvalidPublisher>,
    ) -> Self {
        Self { field, name, is_name: false, example: Some(example), check }
    }

    /// A field that is a rule only where it is written.
    pub(crate) const fn optional(
        field: Field,
        name: &'static str,
        check: fn(&str, &str) -> Result<(), InvalidPublisher>,
    ) -> Self {
        Self { field, name, is_name: false, example: None, check }
    }
}

/// What a publisher that lets a token in is configured with: the fields that it needs, and those that it may have.
pub(crate) fn settings(claims: &Claims, required: &[&Field], optional: &[&Field]) -> Vec<Setting> {
    let value = |field: &Field| claims.text(field.claim).filter(|text| !text.is_empty()).map(String::from);
    let required = required.iter().map(|field| Setting::required(field.key, field.claim, value(field)));
    required
        .chain(optional.iter().map(|field| Setting::optional(field.key, field.claim, value(field))))
        .collect()
}

/// The values that a publisher asks for.
#[derive(Debug)]
pub(crate) struct Exact(Vec<(&'static Asked, String)>);

impl Exact {
    /// Reads them from a configuration.
    pub(crate) fn read(config: &Config<'_>, asked: &'static [Asked]) -> Result<Self, InvalidPublisher> {
        let mut values = Vec::new();
        for one in asked {
            let text = match one.example {
                Some(example) => Some(config.required(one.field.key, example)?),
                None => config.text(one.field.key)?,
            };
            if let Some(text) = text {
                (one.check)(one.field.key, text)?;
                values.push((one, text.to_owned()));
            }
        }
        Ok(Self(values))
    }

    /// The value of a key, empty where there is none.
    pub(crate) fn value(&self, key: &str) -> &str {
        let found = self.0.iter().find(|(asked, _)| asked.field.key == key);
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
        let mut asked = self.0.iter().filter(|(asked, _)| asked.is_name == names);
        asked.try_for_each(|(asked, value)| token.is(&asked.field, value))
    }

    /// How many of them could have been left out.
    pub(crate) fn specificity(&self) -> u32 {
        self.0.iter().map(|(asked, _)| u32::from(asked.example.is_none())).sum()
    }

    /// The values in a person's words, with commas between them.
    pub(crate) fn describe(&self) -> String {
        let words = self.0.iter().map(|(asked, value)| format!("{} {}", asked.name, shown(value)));
        words.collect::<Vec<_>>().join(", ")
    }
}
