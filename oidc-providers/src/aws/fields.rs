use oidc_core::{FieldType, PublisherField};
use serde::Serialize;
use serde_json::{Map, Value};

use super::claims::NAMESPACE;
use crate::codes;
use crate::rules::Field;
use crate::rules::typed::Typed;

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
    PublisherField::optional("organization_id", "Organisation id")
        .claim(NAMESPACE)
        .example("o-abc1234567")
        .summary("the id of the account's organisation in AWS Organizations"),
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

/// Every field of a publisher.
pub(super) static FIELDS: &[PublisherField] = &[ROLE.of, ORGANIZATION.of, REGION.of, FUNCTION.of, TAGS.of];

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "Value")]
#[must_use]
pub struct AwsPublisher {
    others: Typed,
    tags: Map<String, Value>,
}

impl AwsPublisher {
    /// A publisher with the required fields.
    pub fn new(role: impl Into<String>) -> Self {
        Self { others: Typed::default().text(&ROLE, role), tags: Map::new() }
    }

    /// Sets the id of the account's organization.
    pub fn organization_id(self, organization_id: impl Into<String>) -> Self {
        Self { others: self.others.text(&ORGANIZATION, organization_id), ..self }
    }

    /// Sets the region whose endpoint was asked.
    pub fn region(self, region: impl Into<String>) -> Self {
        Self { others: self.others.text(&REGION, region), ..self }
    }

    /// Sets the Lambda function that asked.
    pub fn lambda_function(self, function: impl Into<String>) -> Self {
        Self { others: self.others.text(&FUNCTION, function), ..self }
    }

    /// Adds a tag that the role or its session must have.
    pub fn principal_tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), Value::String(value.into()));
        self
    }
}

impl From<AwsPublisher> for Value {
    fn from(publisher: AwsPublisher) -> Self {
        if publisher.tags.is_empty() {
            return publisher.others.into();
        }
        publisher.others.with(&TAGS, publisher.tags).into()
    }
}
