use std::fmt;
use std::str::FromStr;

use oidc_core::shown;

/// An extension's name: `namespace.name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl FromStr for Extension {
    type Err = InvalidExtension;

    fn from_str(text: &str) -> Result<Self, InvalidExtension> {
        let is_part = |part: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~');
            !part.is_empty() && part.len() <= 128 && part.chars().all(allowed)
        };
        match text.split_once('.') {
            Some((namespace, name)) if is_part(namespace) && is_part(name) => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err(InvalidExtension(text.chars().take(256).collect())),
        }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.namespace, self.name)
    }
}

/// A text that is not an extension's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not an extension's name: expected `namespace.name` of letters, digits, `-`, `_` and `~`", shown(.0))]
pub struct InvalidExtension(String);
