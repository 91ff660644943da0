//! The common part of the platforms' sample claims: claims that a test changes, and claims that are derived
//! from them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Claims to change in a sample: a value sets the claim, `None` leaves it out. A claim that is derived from a
/// changed one, such as GitHub's `workflow_ref` from `repository`, changes with it unless it is overridden
/// itself.
pub type Overrides = BTreeMap<String, Option<Value>>;

/// A sample that is made claim by claim, each from the claims before it.
pub(crate) struct Sample<'a> {
    claims: Map<String, Value>,
    overrides: &'a Overrides,
}

impl<'a> Sample<'a> {
    /// A sample with the registered claims that the tokens of every platform have: issuer, audience, and the times of the
    /// issue, in seconds since the Unix epoch, and of the end, `lifetime` seconds later.
    pub(crate) fn issued(
        (issuer, audience): (&str, impl Into<Value>),
        now: u64,
        lifetime: u64,
        overrides: &'a Overrides,
    ) -> Self {
        let mut sample = Self { claims: Map::new(), overrides };
        sample.claim("iss", issuer);
        sample.claim("aud", audience);
        sample.claim("iat", now);
        sample.claim("exp", now.saturating_add(lifetime));
        sample
    }

    /// Adds a claim, unless it is overridden.
    pub(crate) fn claim(&mut self, name: &str, usual: impl Into<Value>) {
        let value = match self.overrides.get(name) {
            Some(changed) => changed.clone(),
            None => Some(usual.into()),
        };
        if let Some(value) = value {
            self.claims.insert(name.to_owned(), value);
        }
    }

    /// Returns the text of a claim that was added; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> String {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Returns the text that the overrides give to a claim.
    pub(crate) fn overridden(&self, name: &str) -> Option<&'a str> {
        self.overrides.get(name).and_then(Option::as_ref).and_then(Value::as_str)
    }

    /// Returns the sample, including all other claims that the overrides add.
    pub(crate) fn finish(mut self) -> Value {
        for (name, value) in self.overrides {
            if let Some(value) = value {
                self.claims.insert(name.clone(), value.clone());
            }
        }
        Value::Object(self.claims)
    }
}
