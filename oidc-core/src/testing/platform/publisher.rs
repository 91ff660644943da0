use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{FIELDS, REPOSITORY, REPOSITORY_ID};
use crate::claims::Claims;
use crate::diagnosis::{Diagnosis, Target};
use crate::identity::Identity;
use crate::proof::{Unverified, Verified};
use crate::publisher::{ImmutableId, Match, Mismatch, Publisher};

/// Rules on claims of the fields' names.
#[derive(Debug)]
pub(super) struct FakePublisher {
    pub(super) issuer: Arc<str>,
    pub(super) rules: Map<String, Value>,
}

impl FakePublisher {
    fn rule(&self, key: &str) -> Option<&str> {
        self.rules.get(key).and_then(Value::as_str)
    }

    /// The name, then the id, then every other rule: whoever has the name and another id is told nothing more.
    fn hold(&self, claims: &Claims) -> Result<Match, Mismatch> {
        let pinned = self.rule(REPOSITORY_ID);
        if let Err(mismatch) = is(claims, REPOSITORY, self.rule(REPOSITORY).unwrap_or_default()) {
            let is_renamed = pinned.is_some() && claims.text(REPOSITORY_ID).as_deref() == pinned;
            let diagnosis = mismatch.diagnosis().clone();
            return Err(if is_renamed { Mismatch::renamed(diagnosis) } else { mismatch });
        }
        let learned = match pinned {
            Some(id) => {
                is(claims, REPOSITORY_ID, id)
                    .map_err(|mismatch| Mismatch::stranger(mismatch.diagnosis().clone()))?;
                Vec::new()
            }
            None => vec![ImmutableId::new(REPOSITORY_ID, required(claims, REPOSITORY_ID)?)],
        };
        let mut specificity = 0;
        for field in FIELDS.iter().filter(|field| !field.required && !field.learned) {
            if let Some(expected) = self.rule(field.key) {
                is(claims, field.key, expected)?;
                specificity += field.specificity;
            }
        }
        Ok(Match::new(specificity, learned))
    }
}

impl Publisher for FakePublisher {
    fn identity(&self) -> Identity {
        Identity::new(&*self.issuer, self.rule(REPOSITORY).unwrap_or_default())
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        is(claims, "iss", &self.issuer)?;
        self.hold(claims)
    }

    fn explain(&self, claims: &Unverified<Claims>) -> Option<Mismatch> {
        self.hold(claims.read_unverified()).err()
    }

    fn describe(&self) -> String {
        let rules =
            FIELDS.iter().filter_map(|field| Some(format!("{} {}", field.key, self.rule(field.key)?)));
        rules.collect::<Vec<_>>().join(", ")
    }
}

fn mismatch(claim: &'static str, found: &str, expected: &str) -> Mismatch {
    let subject = Target::Claim(claim.to_owned());
    let diagnosis = Diagnosis::new("fake", subject, format!("claim `{claim}` differs"));
    Mismatch::new(diagnosis.found(found).expected(expected))
}

pub(super) fn required<'a>(claims: &'a Claims, claim: &'static str) -> Result<Cow<'a, str>, Mismatch> {
    claims.text(claim).ok_or_else(|| mismatch(claim, "no text", "a text"))
}

fn is(claims: &Claims, claim: &'static str, expected: &str) -> Result<(), Mismatch> {
    let found = claims.text(claim).unwrap_or_default();
    if found == expected { Ok(()) } else { Err(mismatch(claim, &found, expected)) }
}
