//! A setting, with its origin.

use std::fmt;

use crate::text::shown;

/// A setting of HTTP requests, with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpSetting {
    /// The name of the setting, such as `proxy`.
    pub name: &'static str,
    /// The value, fit to be shown.
    pub value: String,
    /// The origin of the value.
    pub origin: Origin,
}

impl fmt::Display for HttpSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`, {}", self.name, self.value, self.origin)
    }
}

/// The origin of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The default, since nobody set it.
    Default,
    /// An environment variable.
    Variable(&'static str),
    /// A setting of the application that its user gave, such as `--ca-file FILE`.
    FieldValue(String),
    /// The application itself.
    Application,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("by default"),
            Self::Variable(name) => write!(f, "from variable `{name}`"),
            Self::FieldValue(words) => write!(f, "from `{}`", shown(words)),
            Self::Application => f.write_str("from the application"),
        }
    }
}
