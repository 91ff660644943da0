use std::fmt;
use std::sync::Arc;

use super::error::Reason;
use crate::claims::ClaimValue;
use crate::token::Audience;

/// The audiences that a verifier accepts.
#[derive(Clone)]
pub(super) enum Audiences {
    /// One of these.
    Constant(Arc<[Audience]>),
    /// Any audience that the application's function accepts.
    Rule(Arc<Rule>),
}

/// An application's rule.
pub(super) struct Rule {
    expected: Arc<str>,
    accepts: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Audiences {
    pub(super) fn rule(expected: String, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::Rule(Arc::new(Rule { expected: expected.into(), accepts: Box::new(accepts) }))
    }

    /// Checks a token's `aud`, which must be one text, or an array of one text.
    pub(super) fn check(&self, aud: Option<&ClaimValue<'_>>) -> Result<(), Reason> {
        let is_ours = aud.is_some_and(|aud| match self {
            Self::Constant(audiences) => audiences.iter().any(|audience| aud.is_exactly(audience.as_str())),
            Self::Rule(rule) => aud.sole_text().is_some_and(|text| !text.is_empty() && (rule.accepts)(&text)),
        });
        if is_ours { Ok(()) } else { Err(self.reason()) }
    }

    /// Returns the constants; none for a rule.
    pub(super) fn constants(&self) -> &[Audience] {
        match self {
            Self::Constant(audiences) => audiences,
            Self::Rule(_) => &[],
        }
    }

    fn reason(&self) -> Reason {
        match self {
            Self::Constant(audiences) => Reason::Audience { expected: Arc::clone(audiences) },
            Self::Rule(rule) => Reason::AudienceRule { expected: Arc::clone(&rule.expected) },
        }
    }
}

impl fmt::Debug for Audiences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(audiences) => audiences.fmt(f),
            Self::Rule(rule) => f.debug_tuple("Rule").field(&rule.expected).finish(),
        }
    }
}
