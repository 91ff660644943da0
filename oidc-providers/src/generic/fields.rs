use oidc_core::{FieldComparison, FieldType, PublisherField};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::codes;
use crate::rules::Field;
use crate::rules::typed::Typed;

pub(super) const CLAIMS: Field = Field::new(
    codes::GENERIC_CLAIM,
    PublisherField::required("claims", "Claims")
        .without_claim()
        .of_type(FieldType::Table)
        .compared(FieldComparison::OneOf)
        .found_by()
        .example(r#"{"sub":"system:serviceaccount:acme:publisher"}"#)
        .summary(
            "the claims that a token must have, by name or JSON pointer, each with its value, an array of those that it may have, or a table with contains or matches; texts, whole numbers below 2^53, true or false",
        ),
);
pub(super) const FOUND_BY: Field = Field::new(
    codes::GENERIC_CLAIM,
    PublisherField::optional("found_by", "Identifying claim")
        .without_claim()
        .found_by()
        .specificity(0)
        .example("sub")
        .summary("the claim that tells the issuer's tenants apart, sub if it is left out; the claims have one text for it"),
);

/// Every field of a publisher.
pub(super) static FIELDS: &[PublisherField] = &[CLAIMS.of, FOUND_BY.of];

/// The typed configuration of a publisher of any other issuer. It serializes and converts to the JSON form;
/// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
///
/// ```
/// use oidc_core::Provider as _;
/// use oidc_providers::{Generic, GenericPublisher};
///
/// let publisher = GenericPublisher::new("project_path", "acme/widget")
///     .claim("tier", vec!["staging", "production"])
///     .claim("/runner/shared", false)
///     .claim_containing("groups", "releasers")
///     .claim_matching("ref", "refs/tags/v*");
/// assert!(Generic::at("https://issuer.example")?.publisher(&publisher.into()).is_ok());
/// # Ok::<_, oidc_core::InvalidUrl>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct GenericPublisher {
    found_by: String,
    claims: Map<String, Value>,
}

impl GenericPublisher {
    /// A publisher that is found by a claim that tells the issuer's tenants apart, with the claim's only
    /// text.
    pub fn new(claim: impl Into<String>, text: impl Into<String>) -> Self {
        let found_by = claim.into();
        let claims = Map::from_iter([(found_by.clone(), text.into().into())]);
        Self { found_by, claims }
    }

    /// Adds a claim that a token must have, with its value, or with an array of allowed values: texts, whole
    /// numbers, `true` or `false`.
    pub fn claim(mut self, claim: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(claim.into(), value.into());
        self
    }

    /// Adds a claim that must be an array which contains this value. Where `value` is an array, the claim must contain each of its
    /// elements.
    pub fn claim_containing(self, claim: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claim(claim, json!({ "contains": value.into() }))
    }

    /// Adds a claim that must be a text, all of which the pattern matches.
    pub fn claim_matching(self, claim: impl Into<String>, pattern: impl Into<String>) -> Self {
        self.claim(claim, json!({ "matches": pattern.into() }))
    }
}

impl From<GenericPublisher> for Value {
    fn from(publisher: GenericPublisher) -> Self {
        let typed = Typed::default().with(&CLAIMS, publisher.claims);
        typed.text(&FOUND_BY, publisher.found_by).into()
    }
}

impl Serialize for GenericPublisher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from(self.clone()).serialize(serializer)
    }
}
