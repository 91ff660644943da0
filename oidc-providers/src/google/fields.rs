use oidc_core::PublisherField;

use crate::codes;
use crate::rules::Field;
use crate::rules::typed::typed_publisher;

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

typed_publisher! {
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
    FIELDS, GooglePublisher(email: EMAIL)

    /// Sets the account's number, `sub` in JSON, which is otherwise learned.
    fn subject(text SUBJECT);
}
