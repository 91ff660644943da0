//! A token's claims as rules read them: as whole texts only.

use std::borrow::Cow;

use oidc_core::{Claims, Diagnosis, ImmutableId, Mismatch, Target, shown};

use super::names::stem;
use super::{Comparison, Field};
use crate::codes;

/// A token that is compared with one publisher. Its claims are verified for a decision, and unverified where
/// only an explanation is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) claims: &'a Claims,
    pub(crate) comparison: Comparison,
}

impl<'a> Token<'a> {
    /// Checks that the token is from the publisher's issuer. All other rules depend on this one.
    pub(crate) fn is_from(&self, issuer: &str) -> Result<(), Mismatch> {
        let found = self.required("iss")?;
        if found == issuer {
            return Ok(());
        }
        let problem = "the token is from another issuer than the publisher's";
        Err(Mismatch::new(
            Diagnosis::new(oidc_core::codes::ISSUER, Target::Claim("iss".to_owned()), problem)
                .found(found)
                .expected(issuer)
                .fix("publish from the instance that the publisher names, or configure a publisher for this one"),
        ))
    }

    /// Returns the text of a claim that must be present.
    pub(crate) fn required(&self, claim: &'static str) -> Result<Cow<'a, str>, Mismatch> {
        self.optional(claim)?.ok_or_else(|| {
            let problem = format!("claim `{claim}` is missing from the identity token");
            let fix = "every token of this platform should have it; look for an update of the platform";
            Mismatch::new(
                Diagnosis::new(oidc_core::codes::CLAIM_MISSING, Target::Claim(claim.to_owned()), problem)
                    .fix(fix),
            )
        })
    }

    /// Returns the text of a claim; `None` where it is absent, `null` or empty, which are the same.
    pub(crate) fn optional(&self, claim: &'static str) -> Result<Option<Cow<'a, str>>, Mismatch> {
        let Some(value) = self.claims.get(claim).filter(|value| !value.is_null()) else { return Ok(None) };
        match value.as_text() {
            Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            None => {
                let problem = format!("claim `{claim}` is not a text");
                let subject = Target::Claim(claim.to_owned());
                let fix = "every token of this platform should have a text there; look for an update of the platform";
                Err(Mismatch::new(
                    Diagnosis::new(codes::CLAIM_TYPE, subject, problem).found(value.raw()).fix(fix),
                ))
            }
        }
    }

    /// Checks that a claim is JSON's `true` or `false`, as expected. A text or a number is neither.
    pub(crate) fn flag(&self, claim: &str, code: &'static str, expected: bool) -> Result<(), Mismatch> {
        let value = self.claims.get(claim);
        if value.and_then(|value| value.as_bool()) == Some(expected) {
            return Ok(());
        }
        let problem = format!("claim `{claim}` is not {expected}");
        let mut diagnosis = Diagnosis::new(code, Target::Claim(claim.to_owned()), problem);
        if let Some(value) = value {
            diagnosis = diagnosis.found(value.raw());
        }
        Err(Mismatch::new(diagnosis.expected(expected.to_string())))
    }

    /// Checks that a field's claim is present and equal to the publisher's value.
    pub(crate) fn is(&self, field: &Field, expected: &str) -> Result<(), Mismatch> {
        self.same(field, &self.required(field.claim)?, expected)
    }

    /// Checks that a value of a field is equal to the publisher's.
    pub(crate) fn same(&self, field: &Field, found: &str, expected: &str) -> Result<(), Mismatch> {
        if self.comparison.same(field, found, expected) {
            return Ok(());
        }
        Err(Mismatch::new(differs(field, found, expected)))
    }

    /// Checks that the name of a repository or project is the publisher's. Where the name differs and the pinned id is
    /// equal, the repository was renamed, and the mismatch says so.
    pub(crate) fn is_named(
        &self,
        name: &Field,
        expected: &str,
        id: &Field,
        pinned: Option<&str>,
    ) -> Result<(), Mismatch> {
        let found = self.required(name.claim)?;
        if self.comparison.same(name, &found, expected) {
            return Ok(());
        }
        let mismatch = differs(name, &found, expected);
        if pinned.is_none() || self.optional(id.claim)?.as_deref() != pinned {
            return Err(Mismatch::new(mismatch));
        }
        let fix = format!(
            "it was renamed or transferred: set `{}` to `{}` in the publisher's configuration",
            name.key,
            shown(&found)
        );
        Err(Mismatch::renamed(mismatch.fix(fix)))
    }

    /// Checks that a claim agrees with another claim of the same token.
    pub(crate) fn agrees(&self, field: &Field, expected: &str) -> Result<(), Mismatch> {
        let found = self.required(field.claim)?;
        if self.comparison.same(field, &found, expected) {
            return Ok(());
        }
        let fix = "the token contradicts itself; tell the platform's operator";
        Err(Mismatch::new(differs(field, &found, expected).fix(fix)))
    }

    /// Compares immutable ids with the pinned ones, and learns the others with `learn`. The first is the id
    /// of the repository or project itself.
    ///
    /// Every platform checks in one order: the names by which a publisher is found, these ids, then
    /// everything else. A token that has the names and not every pinned id is a stranger's, and its holder
    /// may be told of no other rule. Where the first id is pinned and equal, the token is from the
    /// publisher's repository, and its holder may be told that the repository has another owner now.
    pub(crate) fn ids(
        &self,
        ids: &[(&'static Field, Option<String>)],
        learn: impl Fn(&Field) -> Result<Option<ImmutableId>, Mismatch>,
    ) -> Result<Vec<ImmutableId>, Mismatch> {
        let mut is_own = false;
        for (place, (field, pinned)) in ids.iter().enumerate() {
            let Some(pinned) = pinned else { continue };
            match self.has(field, pinned) {
                // The first id was pinned and equal, so the token is not a stranger's.
                Err(mismatch) if is_own => return Err(Mismatch::new(mismatch.diagnosis().clone())),
                held => held?,
            }
            // Only reached where the pinned id is equal.
            is_own |= place == 0;
        }
        let unpinned = ids.iter().filter(|(_, pinned)| pinned.is_none());
        unpinned.filter_map(|(field, _)| learn(field).transpose()).collect()
    }

    /// Checks that an immutable id is the pinned one. A token without the id is treated as one with another
    /// id.
    fn has(&self, field: &Field, pinned: &str) -> Result<(), Mismatch> {
        let found = self
            .required(field.claim)
            .map_err(|mismatch| Mismatch::stranger(mismatch.diagnosis().clone()))?;
        if found == pinned {
            return Ok(());
        }
        let fix = "the name was taken over, transferred, or deleted and created again; if that is meant to publish, \
                   configure the publisher again";
        Err(Mismatch::stranger(differs(field, &found, pinned).fix(fix)))
    }

    /// Returns an immutable id that the token must have, to be learned.
    pub(crate) fn learn(&self, field: &Field, is_id: fn(&str) -> bool) -> Result<ImmutableId, Mismatch> {
        let found = self.required(field.claim)?;
        if is_id(&found) {
            return Ok(ImmutableId::new(field.claim, found));
        }
        let problem = format!("claim `{}` is not an id as this platform writes them", field.claim);
        let subject = Target::Claim(field.claim.to_owned());
        Err(Mismatch::new(Diagnosis::new(codes::CLAIM_TYPE, subject, problem).found(found)))
    }
}

/// The diagnosis of a field that differs: the value that was found, the expected value, and the fix.
pub(crate) fn differs(field: &Field, found: &str, expected: &str) -> Diagnosis {
    let problem = match near_miss(found, expected) {
        Some(near) => format!("claim `{}` is not the publisher's `{}`: {near}", field.claim, field.key),
        None => format!("claim `{}` is not the publisher's `{}`", field.claim, field.key),
    };
    Diagnosis::new(field.code, Target::Claim(field.claim.to_owned()), problem)
        .found(found)
        .expected(expected)
        .fix(format!(
            "if this job is meant to publish, set `{}` to `{}` in the publisher's configuration",
            field.key,
            shown(found)
        ))
}

/// The difference of two values, if it is small and easily overlooked.
fn near_miss(found: &str, expected: &str) -> Option<&'static str> {
    if found.eq_ignore_ascii_case(expected) {
        Some("they differ in the case of letters only, which matters here")
    } else if found.trim() == expected.trim() {
        Some("they differ in white space only")
    } else if stem(found).is_some() && stem(found) == stem(expected) {
        Some("one ends in `.yml`, the other in `.yaml`")
    } else if !found.is_ascii() && expected.is_ascii() {
        Some("it holds letters that are not ASCII and may look like those that are")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_named() {
        for (found, expected, part) in [
            ("Publish.yml", "publish.yml", "case"),
            ("publish ", "publish", "white space"),
            ("publish.yaml", "publish.yml", "`.yaml`"),
            ("p\u{443}blish.yml", "publish.yml", "not ASCII"),
        ] {
            assert!(near_miss(found, expected).unwrap().contains(part), "{found}");
        }
        assert_eq!(near_miss("ci.yml", "publish.yml"), None);
        assert_eq!(near_miss("a", "b"), None);
    }
}
