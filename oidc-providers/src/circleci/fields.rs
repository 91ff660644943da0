use oidc_core::{FieldComparison, FieldType, PublisherField};
use serde::Serialize;
use serde_json::Value;

use super::claims::{CONTEXT_IDS, ORG_ID, PIPELINE_DEFINITION_ID, PROJECT_ID, VCS_ORIGIN, VCS_REF};
use crate::codes;
use crate::rules::Field;
use crate::rules::typed::Typed;

const SOME_ID: &str = "0184990a-477b-4fa8-9968-496074483cee";

pub(super) const ORGANIZATION: Field = Field::new(
    codes::CIRCLECI_ORGANIZATION,
    PublisherField::required("org_id", "Organisation")
        .claim(ORG_ID)
        .found_by()
        .immutable()
        .example(SOME_ID)
        .summary("the organisation's UUID, which its settings show"),
);
pub(super) const PROJECT: Field = Field::new(
    codes::CIRCLECI_PROJECT,
    PublisherField::required("project_id", "Project")
        .claim(PROJECT_ID)
        .found_by()
        .immutable()
        .example(SOME_ID)
        .summary("the project's UUID, which its settings show"),
);
pub(super) const PIPELINE: Field = Field::new(
    codes::CIRCLECI_PIPELINE_DEFINITION,
    PublisherField::required("pipeline_definition_id", "Pipeline definition")
        .claim(PIPELINE_DEFINITION_ID)
        .immutable()
        .example(SOME_ID)
        .summary("the pipeline definition's UUID, which the project's settings show"),
);
pub(super) const ORIGIN: Field = Field::new(
    codes::CIRCLECI_VCS_ORIGIN,
    PublisherField::optional("vcs_origin", "VCS origin")
        .claim(VCS_ORIGIN)
        .recommended()
        .specificity(0)
        .example("github.com/acme/widget")
        .summary("host, owner and name of the repository; without it only pipelines of custom webhooks publish, which have none"),
);
pub(super) const REF: Field = Field::new(
    codes::CIRCLECI_VCS_REF,
    PublisherField::optional("vcs_ref", "Ref")
        .claim(VCS_REF)
        .compared(FieldComparison::Pattern)
        .example("refs/heads/main")
        .summary("the full name of the pipeline's branch or tag"),
);
pub(super) const CONTEXTS: Field = Field::new(
    codes::CIRCLECI_CONTEXT,
    PublisherField::optional("context_ids", "Contexts")
        .claim(CONTEXT_IDS)
        .of_type(FieldType::Texts)
        .compared(FieldComparison::AllOf)
        .immutable()
        .example(SOME_ID)
        .summary("the UUIDs of contexts that the job must have"),
);

/// Every field of a publisher.
pub(super) static FIELDS: &[PublisherField] =
    &[ORGANIZATION.of, PROJECT.of, PIPELINE.of, ORIGIN.of, REF.of, CONTEXTS.of];

/// The typed configuration of a publisher on CircleCI. It serializes and converts to the JSON form;
/// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
///
/// ```
/// use oidc_core::Provider as _;
/// use oidc_providers::{CircleCi, CircleCiPublisher};
///
/// let id = "0184990a-477b-4fa8-9968-496074483cee";
/// let publisher = CircleCiPublisher::new(id, id, id).vcs_origin("github.com/acme/widget").context_ids([id]);
/// assert!(CircleCi::public().publisher(&publisher.into()).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[must_use]
pub struct CircleCiPublisher(Typed);

impl CircleCiPublisher {
    /// A publisher with the required fields.
    pub fn new(
        org_id: impl Into<String>,
        project_id: impl Into<String>,
        pipeline_definition_id: impl Into<String>,
    ) -> Self {
        Self(
            Typed::default()
                .text(&ORGANIZATION, org_id)
                .text(&PROJECT, project_id)
                .text(&PIPELINE, pipeline_definition_id),
        )
    }

    /// Sets the repository, as host, owner and name.
    pub fn vcs_origin(self, vcs_origin: impl Into<String>) -> Self {
        Self(self.0.text(&ORIGIN, vcs_origin))
    }

    /// Sets a pattern for the full name of the pipeline's branch or tag.
    pub fn vcs_ref(self, vcs_ref: impl Into<String>) -> Self {
        Self(self.0.text(&REF, vcs_ref))
    }

    /// Sets contexts, all of which the job must have.
    pub fn context_ids(self, context_ids: impl IntoIterator<Item: Into<String>>) -> Self {
        Self(self.0.texts(&CONTEXTS, context_ids))
    }
}

impl From<CircleCiPublisher> for Value {
    fn from(publisher: CircleCiPublisher) -> Self {
        publisher.0.into()
    }
}
