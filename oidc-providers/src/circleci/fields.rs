use oidc_core::{FieldComparison, FieldType, PublisherField};

use super::claims::{CONTEXT_IDS, ORG_ID, PIPELINE_DEFINITION_ID, PROJECT_ID, VCS_ORIGIN, VCS_REF};
use crate::codes;
use crate::rules::fields::SOME_UUID;
use crate::rules::typed::typed_publisher;
use crate::rules::{Field, fields};

pub(super) const ORGANIZATION: Field = Field::new(
    codes::CIRCLECI_ORGANIZATION,
    fields::lasting("org_id", "Organization")
        .claim(ORG_ID)
        .found_by()
        .summary("the organization's UUID, which its settings show"),
);
pub(super) const PROJECT: Field = Field::new(
    codes::CIRCLECI_PROJECT,
    fields::lasting("project_id", "Project")
        .claim(PROJECT_ID)
        .found_by()
        .summary("the project's UUID, which its settings show"),
);
pub(super) const PIPELINE: Field = Field::new(
    codes::CIRCLECI_PIPELINE_DEFINITION,
    fields::lasting("pipeline_definition_id", "Pipeline definition")
        .claim(PIPELINE_DEFINITION_ID)
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
        .example(SOME_UUID)
        .summary("the UUIDs of contexts that the job must have"),
);

typed_publisher! {
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
    FIELDS, CircleCiPublisher(org_id: ORGANIZATION, project_id: PROJECT, pipeline_definition_id: PIPELINE)

    /// Sets the repository, as host, owner and name.
    fn vcs_origin(text ORIGIN);

    /// Sets a pattern for the full name of the pipeline's branch or tag.
    fn vcs_ref(text REF);

    /// Sets contexts, all of which the job must have.
    fn context_ids(texts CONTEXTS);
}
