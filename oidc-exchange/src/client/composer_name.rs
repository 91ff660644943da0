use std::fmt;
use std::str::FromStr;

use oidc_core::shown;

/// A package's name, `vendor/name`, or an organization's, `name`, as Composer writes them: lower-case letters, digits,
/// `.`, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ComposerName(String);

impl FromStr for ComposerName {
    type Err = InvalidComposerName;

    fn from_str(text: &str) -> Result<Self, InvalidComposerName> {
        let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let allowed = |c: char| is_end(c) || matches!(c, '.' | '-' | '_');
        let is_part =
            |part: &str| part.starts_with(is_end) && part.ends_with(is_end) && part.chars().all(allowed);
        if text.len() <= 256 && text.split('/').count() <= 2 && text.split('/').all(is_part) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidComposerName(text.chars().take(256).collect()))
    }
}

impl fmt::Display for ComposerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not a name in Composer's form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a name of Composer's: expected `vendor/name` of lower-case letters, digits, `.`, `-`, `_`", shown(.0))]
pub struct InvalidComposerName(String);
