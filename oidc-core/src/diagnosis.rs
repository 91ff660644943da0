use std::fmt;

use crate::text::shown;

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// An environment variable of the job.
    Variable(String),
    /// A claim of the identity token.
    Claim(String),
    /// A field of a publisher's configuration.
    Field(String),
    /// A URL of the registry or of the platform.
    Url(String),
    /// The identity token as a whole.
    Token,
    /// The platform that the job runs on.
    Platform,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "variable `{}`", shown(name)),
            Self::Claim(name) => write!(f, "claim `{}`", shown(name)),
            Self::Field(name) => write!(f, "field `{}`", shown(name)),
            Self::Url(url) => write!(f, "URL `{}`", shown(url)),
            Self::Token => f.write_str("identity token"),
            Self::Platform => f.write_str("platform"),
        }
    }
}

/// What is wrong, as data: what was looked at, what was found, what was expected, what to change.
///
/// It never holds a secret. Its `Display` is one line, fit for a terminal and for a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// A stable name for programs, such as `github-not-permitted`.
    pub code: &'static str,
    /// What was looked at.
    pub subject: Subject,
    /// One clause that says what is wrong.
    pub problem: String,
    /// What was found there, if anything; shown escaped.
    pub found: Option<String>,
    /// What was expected, if that may be said; shown escaped.
    pub expected: Option<String>,
    /// What to change, and where.
    pub fix: Option<String>,
}

impl Diagnosis {
    /// A diagnosis with a code, what was looked at, and one clause that says what is wrong.
    pub fn new(code: &'static str, subject: Subject, problem: impl Into<String>) -> Self {
        Self { code, subject, problem: problem.into(), found: None, expected: None, fix: None }
    }

    /// With what was found.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// With what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// With what to change, and where.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        match (&self.found, &self.expected) {
            (Some(found), Some(expected)) => {
                write!(f, " (found `{}`, expected `{}`)", shown(found), shown(expected))?;
            }
            (Some(found), None) => write!(f, " (found `{}`)", shown(found))?,
            (None, Some(expected)) => write!(f, " (expected `{}`)", shown(expected))?,
            (None, None) => {}
        }
        match &self.fix {
            Some(fix) => write!(f, "; {fix}"),
            None => Ok(()),
        }
    }
}
