//! A publisher whose rules are its platform's table of fields, and nothing else.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    FieldComparison, FieldType, ImmutableId, InvalidPublisher, Match, Mismatch, Publisher, PublisherField,
};
use crate::claims::Claims;
use crate::codes;
use crate::diagnosis::{Diagnosis, Target};
use crate::identity::Identity;
use crate::proof::{Unverified, Verified};
use crate::text::shown;

/// A publisher of a platform whose claims are compared as its table of [fields](PublisherField) says: texts as a
/// whole ([`Exact`](FieldComparison::Exact), [`IgnoringCase`](FieldComparison::IgnoringCase),
/// [`OneOf`](FieldComparison::OneOf)), and flags. A platform with other rules implements [`Publisher`] itself.
///
/// ```
/// use oidc_core::{InvalidPublisher, Publisher, PublisherField, TablePublisher};
/// use serde_json::json;
///
/// const FIELDS: &[PublisherField] = &[
///     PublisherField::required("project", "Project").found_by().example("acme/widget"),
///     PublisherField::id("project_uid", "Project id").example("123456"),
///     PublisherField::optional("stage", "Stage").example("release"),
/// ];
///
/// // `Provider::publisher` of the platform.
/// let config = json!({ "project": "acme/widget", "stage": "release" });
/// let publisher = TablePublisher::new(FIELDS, "https://forge.example", &config)?;
/// assert_eq!(publisher.describe(), "project acme/widget, stage release");
/// # Ok::<(), InvalidPublisher>(())
/// ```
#[derive(Clone, Debug)]
pub struct TablePublisher {
    fields: &'static [PublisherField],
    issuer: String,
    values: Map<String, Value>,
}

impl TablePublisher {
    /// Reads a configuration. The publisher accepts tokens of this issuer.
    ///
    /// # Errors
    ///
    /// With every fault of keys and values ([`InvalidPublisher::check_config`]), and where a value would have to be
    /// compared in a way that this type does not know.
    pub fn new(
        fields: &'static [PublisherField],
        issuer: impl Into<String>,
        config: &Value,
    ) -> Result<Self, InvalidPublisher> {
        let mut values = InvalidPublisher::check_config(fields, config)?.clone();
        values.retain(|_, value| !value.is_null());
        let unknown = fields.iter().filter(|field| values.contains_key(field.key) && !is_known(field));
        InvalidPublisher::check(unknown.map(|field| {
            let problem = "the platform does not say how it is compared";
            Diagnosis::new(codes::PUBLISHER_TYPE, Target::Field(field.key.to_owned()), problem)
        }))?;
        Ok(Self { fields, issuer: issuer.into(), values })
    }

    /// Returns the identity of a token by the same table, for [`Provider::identify`](crate::Provider::identify).
    ///
    /// # Errors
    ///
    /// When the token lacks a claim by which publishers are found, or it is no text.
    pub fn identify(fields: &[PublisherField], claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        let names = fields.iter().filter(|field| field.found_by);
        let names: Result<Vec<_>, _> =
            names.map(|field| Ok(key(field, &text(claims, claim(field))?))).collect();
        Ok(Identity::new(claims.issuer(), names?.join("\n")))
    }

    fn configured(&self, field: &PublisherField) -> Option<&Value> {
        self.values.get(field.key)
    }

    /// The rules other than the names and the learned ids.
    fn others(&self) -> impl Iterator<Item = &'static PublisherField> {
        self.fields.iter().filter(|field| !field.found_by && !field.learned)
    }

    fn check_names(&self, claims: &Claims) -> Result<(), Mismatch> {
        let names = self.fields.iter().filter(|field| field.found_by);
        let differs = names.map(|field| self.is(field, claims)).find_map(Result::err);
        let Some(mismatch) = differs else { return Ok(()) };
        let is_same = |field: &PublisherField| {
            let known = self.configured(field).filter(|_| field.learned).and_then(Value::as_str);
            known.is_some_and(|id| claims.text(claim(field)).as_deref() == Some(id))
        };
        Err(if self.fields.iter().any(is_same) {
            Mismatch::renamed(mismatch.diagnosis().clone())
        } else {
            mismatch
        })
    }

    /// Returns the ids that are learned.
    fn check_ids(&self, claims: &Claims) -> Result<Vec<ImmutableId>, Mismatch> {
        let mut learned = Vec::new();
        for field in self.fields.iter().filter(|field| field.learned) {
            match self.configured(field) {
                Some(_) => self
                    .is(field, claims)
                    .map_err(|mismatch| Mismatch::stranger(mismatch.diagnosis().clone()))?,
                None => learned.extend(claims.text(claim(field)).map(|id| ImmutableId::new(field.key, id))),
            }
        }
        Ok(learned)
    }

    fn check_claims(&self, claims: &Claims) -> Result<Match, Mismatch> {
        self.check_names(claims)?;
        let learned = self.check_ids(claims)?;
        self.others().try_for_each(|field| self.is(field, claims))?;
        let counts = |field: &&PublisherField| {
            self.configured(field).is_some_and(|value| *value != Value::Bool(false))
        };
        let specificity = self.fields.iter().filter(counts).map(|field| field.specificity).sum();
        Ok(Match::new(specificity, learned))
    }

    /// Compares one claim with the configured value, if there is one.
    fn is(&self, field: &PublisherField, claims: &Claims) -> Result<(), Mismatch> {
        let Some(value) = self.configured(field) else { return Ok(()) };
        let texts = match value {
            Value::Bool(false) => return Ok(()),
            Value::Bool(true) => return is_true(claims, claim(field)),
            Value::Array(elements) => elements.iter().filter_map(Value::as_str).collect(),
            value => value.as_str().into_iter().collect::<Vec<_>>(),
        };
        let found = text(claims, claim(field))?;
        if texts.iter().any(|text| key(field, text) == key(field, &found)) {
            return Ok(());
        }
        Err(differs(claim(field), Some(&found), &texts.join("`, `")))
    }
}

impl Publisher for TablePublisher {
    fn identity(&self) -> Identity {
        let names = self.fields.iter().filter(|field| field.found_by);
        let name = |field| key(field, self.configured(field).and_then(Value::as_str).unwrap_or_default());
        Identity::new(&*self.issuer, names.map(name).collect::<Vec<_>>().join("\n"))
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        if claims.issuer() != self.issuer {
            return Err(differs("iss", Some(claims.issuer()), &self.issuer));
        }
        self.check_claims(claims)
    }

    fn explain(&self, claims: &Unverified<Claims>) -> Option<Mismatch> {
        self.check_claims(claims.read_unverified()).err()
    }

    fn describe(&self) -> String {
        let described = |field: &&PublisherField| !field.learned;
        let words = self.fields.iter().filter(described).filter_map(|field| {
            let value = PublisherField::text_of(self.configured(field)?);
            Some(format!("{} {}", field.title.to_lowercase(), shown(&value)))
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// Returns `true` if this type compares the field as its table says.
fn is_known(field: &PublisherField) -> bool {
    use FieldComparison::{Exact, IgnoringCase, OneOf};
    field.claim.is_some()
        && match field.value {
            FieldType::Text => matches!(field.comparison, Exact | IgnoringCase | OneOf),
            FieldType::Texts => matches!(field.comparison, OneOf),
            FieldType::Flag => matches!(field.comparison, Exact),
            FieldType::Table => false,
        }
}

fn claim(field: &PublisherField) -> &'static str {
    field.claim.unwrap_or(field.key)
}

/// The form of a text that is the same for equal ones.
fn key(field: &PublisherField, text: &str) -> String {
    match field.comparison {
        FieldComparison::IgnoringCase => text.to_ascii_lowercase(),
        _ => text.to_owned(),
    }
}

fn text<'a>(claims: &'a Claims, claim: &str) -> Result<Cow<'a, str>, Mismatch> {
    claims.text(claim).ok_or_else(|| {
        let problem = format!("claim `{claim}` is missing, or no text");
        Mismatch::new(Diagnosis::new(codes::CLAIM_MISSING, Target::Claim(claim.to_owned()), problem))
    })
}

/// Platforms write a flag as a truth value or as a text.
fn is_true(claims: &Claims, claim: &str) -> Result<(), Mismatch> {
    match claims.get(claim).map(|value| value.raw()) {
        Some("true" | "\"true\"") => Ok(()),
        found => Err(differs(claim, found, "true")),
    }
}

fn differs(claim: &str, found: Option<&str>, expected: &str) -> Mismatch {
    let problem = format!("claim `{claim}` is not what the publisher asks for");
    let mut diagnosis = Diagnosis::new(codes::CLAIM_DIFFERS, Target::Claim(claim.to_owned()), problem);
    if let Some(found) = found {
        diagnosis = diagnosis.found(found);
    }
    Mismatch::new(diagnosis.expected(expected).fix("change the publisher or the job"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: &[PublisherField] = &[
        PublisherField::required("group", "Group").found_by().compared(FieldComparison::IgnoringCase),
        PublisherField::required("project", "Project").found_by(),
        PublisherField::id("project_uid", "Project id"),
        PublisherField::optional("event", "Event").of_type(FieldType::Texts).compared(FieldComparison::OneOf),
        PublisherField::optional("protected", "Protected").of_type(FieldType::Flag).claim("ref_protected"),
        PublisherField::optional("ref", "Ref").compared(FieldComparison::Pattern),
    ];

    fn publisher(more: &Value) -> TablePublisher {
        let mut config = json!({ "group": "Acme", "project": "widget" });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        TablePublisher::new(FIELDS, "https://forge.example", &config).unwrap()
    }

    fn checked(more: &Value, changes: &Value) -> Result<Match, Mismatch> {
        let mut claims = json!({
            "group": "acme", "project": "widget", "project_uid": "u-1", "event": "push", "ref_protected": "true",
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        publisher(more).check_claims(&Claims::parse(claims.to_string()).unwrap())
    }

    #[test]
    fn a_job_matches_as_the_table_says() {
        let bare = checked(&json!({}), &json!({})).unwrap();
        assert_eq!(bare, Match::new(0, vec![ImmutableId::new("project_uid", "u-1")]));
        for (config, specificity) in [
            (json!({ "project_uid": "u-1" }), 0),
            (json!({ "project_uid": "u-1", "event": ["push", "tag"] }), 1),
            (json!({ "project_uid": "u-1", "event": "push", "protected": true }), 2),
            (json!({ "project_uid": "u-1", "protected": false, "event": null }), 0),
        ] {
            assert_eq!(checked(&config, &json!({})).unwrap(), Match::new(specificity, vec![]), "{config}");
        }
        assert!(checked(&json!({ "protected": true }), &json!({ "ref_protected": true })).is_ok());
        assert_eq!(publisher(&json!({})).identity().key, "acme\nwidget");
    }

    #[test]
    fn a_job_that_differs_is_refused_by_the_claim_that_differs() {
        for (changes, claim) in [
            (json!({ "group": "evil" }), "group"),
            (json!({ "project": "Widget" }), "project"),
            (json!({ "project": null }), "project"),
            (json!({ "event": "tag" }), "event"),
            (json!({ "event": ["push"] }), "event"),
            (json!({ "ref_protected": "false" }), "ref_protected"),
            (json!({ "ref_protected": 1 }), "ref_protected"),
        ] {
            let refused = checked(&json!({ "event": "push", "protected": true }), &changes).unwrap_err();
            assert_eq!(refused.diagnosis().target, Target::Claim(claim.to_owned()), "{changes}");
            assert!(refused.diagnosis().problem.contains(&format!("`{claim}`")), "{changes}");
            assert!(!refused.is_stranger() && !refused.is_renamed(), "{changes}");
        }
    }

    #[test]
    fn an_id_tells_a_stranger_from_a_renamed_project() {
        let known = json!({ "project_uid": "u-1", "event": "push" });
        for id in [json!("u-2"), json!(null), json!(1)] {
            let changes = json!({ "project_uid": id, "event": "tag" });
            assert!(checked(&known, &changes).unwrap_err().is_stranger(), "{id}");
        }
        assert!(checked(&known, &json!({ "project": "renamed" })).unwrap_err().is_renamed());
        let other = json!({ "project": "renamed", "project_uid": "u-2" });
        let refused = checked(&known, &other).unwrap_err();
        assert!(!refused.is_renamed() && !refused.is_stranger());
    }

    #[test]
    fn a_value_that_would_not_be_compared_is_refused() {
        let config = json!({ "group": "acme", "project": "widget", "ref": "refs/tags/*" });
        let error = TablePublisher::new(FIELDS, "https://forge.example", &config).unwrap_err();
        assert_eq!(error.of("ref").count(), 1, "{error}");
        assert_eq!(error.faults().len(), 1, "{error}");
    }
}
