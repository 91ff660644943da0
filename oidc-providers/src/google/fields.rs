use oidc_core::PublisherField;
use serde::Serialize;
use serde_json::Value;

use crate::codes;
use crate::rules::Field;
use crate::rules::typed::Typed;

pub(super) const EMAIL: Field = Field::new(
    codes::GOOGLE_EMAIL,
    PublisherField::required("email", "E-mail address")
        .found_by()
        .example("publisher@project.iam.gserviceaccount.com")
        .summary("the service account's address"),
);
pub(super) const SUBJECT: Field = Field::new(
    codes::GOOGLE_SUBJECT,
    PublisherField::id("sub", "Account id")
        .example("100000000000000000001")
        .summary("the number that Google gave the account"),
);

/// Every field of a publisher.
pub(super) static FIELDS: &[PublisherField] = &[EMAIL.of, SUBJECT.of];

/// The typed configuration of a publisher on Google Cloud. It serializes and converts to the JSON form;
/// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
///
/// ```
/// use oidc_core::Provider as _;
/// use oidc_providers::{Google, GooglePublisher};
///
/// let publisher = GooglePublisher::new("publisher@project.iam.gserviceaccount.com").subject("100000000000000000001");
/// assert!(Google::public().publisher(&publisher.into()).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[must_use]
pub struct GooglePublisher(Typed);

impl GooglePublisher {
    /// A publisher with the required fields.
    pub fn new(email: impl Into<String>) -> Self {
        Self(Typed::default().text(&EMAIL, email))
    }

    /// Sets the account's number, `sub` in JSON, which is otherwise learned.
    pub fn subject(self, subject: impl Into<String>) -> Self {
        Self(self.0.text(&SUBJECT, subject))
    }
}

impl From<GooglePublisher> for Value {
    fn from(publisher: GooglePublisher) -> Self {
        publisher.0.into()
    }
}
