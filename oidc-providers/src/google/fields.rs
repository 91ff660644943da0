use oidc_core::PublisherField;

use crate::rules::Field;

pub(super) const EMAIL: Field = Field::new(
    "google-email",
    PublisherField::required("email", "Account")
        .found_by()
        .example("publisher@project.iam.gserviceaccount.com")
        .summary("the service account's address"),
);
pub(super) const SUBJECT: Field = Field::new(
    "google-subject",
    PublisherField::id("sub", "Account id")
        .example("100000000000000000001")
        .summary("the number that Google gave the account"),
);

/// Every field of a publisher.
pub(super) static FIELDS: &[PublisherField] = &[EMAIL.of, SUBJECT.of];
