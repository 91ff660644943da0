use oidc_core::{FieldType, PublisherField};

use super::claims::NAMESPACE;
use crate::codes;
use crate::rules::Field;
use crate::rules::typed::typed_publisher;

pub(super) const ROLE: Field = Field::new(
    codes::AWS_ROLE,
    PublisherField::required("role", "Role")
        .claim("sub")
        .found_by()
        .example("arn:aws:iam::123456789012:role/publisher")
        .summary("the role's ARN, without the session"),
);
pub(super) const ORGANIZATION: Field = Field::new(
    codes::AWS_ORGANIZATION,
    PublisherField::optional("organization_id", "Organization id")
        .claim(NAMESPACE)
        .example("o-abc1234567")
        .summary("the id of the account's organization in AWS Organizations"),
);
pub(super) const REGION: Field = Field::new(
    codes::AWS_REGION,
    PublisherField::optional("region", "Region")
        .claim(NAMESPACE)
        .example("eu-central-1")
        .summary("the region whose endpoint was asked for the token"),
);
pub(super) const FUNCTION: Field = Field::new(
    codes::AWS_FUNCTION,
    PublisherField::optional("lambda_function", "Function")
        .claim(NAMESPACE)
        .example("arn:aws:lambda:eu-central-1:123456789012:function:publish")
        .summary("the ARN of the Lambda function that asked for the token"),
);
pub(super) const TAGS: Field = Field::new(
    codes::AWS_TAGS,
    PublisherField::optional("principal_tags", "Tags")
        .claim(NAMESPACE)
        .of_type(FieldType::Table)
        .recommended()
        .example(r#"{"project":"widget"}"#)
        .summary("tags that the role or its session must have, each with its value"),
);

typed_publisher! {
    /// The typed configuration of a publisher on AWS. It serializes and converts to the JSON form;
    /// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{Aws, AwsPublisher};
    ///
    /// let issuer = "https://11111111-1111-4111-8111-111111111111.tokens.sts.global.api.aws";
    /// let publisher = AwsPublisher::new("arn:aws:iam::123456789012:role/publisher").principal_tag("project", "widget");
    /// assert!(Aws::at(issuer)?.publisher(&publisher.into()).is_ok());
    /// # Ok::<_, oidc_core::InvalidUrl>(())
    /// ```
    FIELDS, AwsPublisher(role: ROLE)

    /// Adds a tag that the role or its session must have.
    fn principal_tag(entry TAGS);

    /// Sets the id of the account's organization.
    fn organization_id(text ORGANIZATION);

    /// Sets the region whose endpoint was asked.
    fn region(text REGION);

    /// Sets the Lambda function that asked.
    fn lambda_function(text FUNCTION);
}
