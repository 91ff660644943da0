use oidc_core::{FieldComparison, FieldType, PublisherField};

use crate::rules::Field;

pub(super) const CLAIMS: Field = Field::new(
    "generic-claim",
    PublisherField::required("claims", "Claims")
        .without_claim()
        .of_type(FieldType::Table)
        .compared(FieldComparison::OneOf)
        .found_by()
        .example(r#"{"sub":"system:serviceaccount:acme:publisher"}"#)
        .summary(
            "the claims that a token must have, each with its value or an array of those that it may have",
        ),
);
pub(super) const FOUND_BY: Field = Field::new(
    "generic-claim",
    PublisherField::optional("found_by", "Found by")
        .without_claim()
        .found_by()
        .specificity(0)
        .example("project_path")
        .summary("the claim that tells the issuer's tenants apart, `sub` if it is left out; `claims` has one text for it"),
);

/// Every field of a publisher.
pub(super) static FIELDS: &[PublisherField] = &[CLAIMS.of, FOUND_BY.of];
