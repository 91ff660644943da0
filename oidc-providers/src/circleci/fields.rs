use oidc_core::{FieldComparison, FieldType, PublisherField};

use super::claims::{CONTEXT_IDS, ORG_ID, PIPELINE_DEFINITION_ID, PROJECT_ID, VCS_ORIGIN, VCS_REF};
use crate::rules::Field;

const SOME_ID: &str = "0184990a-477b-4fa8-9968-496074483cee";

pub(super) const ORGANIZATION: Field = Field::new(
    "circleci-organization",
    PublisherField::required("org_id", "Organisation")
        .claim(ORG_ID)
        .found_by()
        .immutable()
        .example(SOME_ID)
        .summary("the organisation's UUID, which its settings show"),
);
pub(super) const PROJECT: Field = Field::new(
    "circleci-project",
    PublisherField::required("project_id", "Project")
        .claim(PROJECT_ID)
        .found_by()
        .immutable()
        .example(SOME_ID)
        .summary("the project's UUID, which its settings show"),
);
pub(super) const PIPELINE: Field = Field::new(
    "circleci-pipeline-definition",
    PublisherField::required("pipeline_definition_id", "Pipeline definition")
        .claim(PIPELINE_DEFINITION_ID)
        .immutable()
        .example(SOME_ID)
        .summary("the pipeline definition's UUID, which the project's settings show"),
);
pub(super) const ORIGIN: Field = Field::new(
    "circleci-vcs-origin",
    PublisherField::optional("vcs_origin", "VCS origin")
        .claim(VCS_ORIGIN)
        .recommended()
        .specificity(0)
        .example("github.com/acme/widget")
        .summary("host, owner and name of the repository; without it only pipelines of custom webhooks publish, which have none"),
);
pub(super) const REF: Field = Field::new(
    "circleci-vcs-ref",
    PublisherField::optional("vcs_ref", "Ref")
        .claim(VCS_REF)
        .compared(FieldComparison::Pattern)
        .example("refs/heads/main")
        .summary("the full name of the pipeline's branch or tag"),
);
pub(super) const CONTEXTS: Field = Field::new(
    "circleci-context",
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
