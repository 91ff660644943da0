use oidc_core::{FieldComparison, PublisherField};

use crate::rules::Field;

const SOME_ID: &str = "0184990a-477b-4fa8-9968-496074483cee";

pub(super) const ORGANIZATION: Field = Field::new(
    "buildkite-organization",
    PublisherField::required("organization_slug", "Organisation")
        .found_by()
        .example("acme")
        .summary("the organisation's name in the web address"),
);
pub(super) const PIPELINE: Field = Field::new(
    "buildkite-pipeline",
    PublisherField::required("pipeline_slug", "Pipeline")
        .found_by()
        .example("widget")
        .summary("the pipeline's name in the web address"),
);
pub(super) const ORGANIZATION_ID: Field = Field::new(
    "buildkite-organization-id",
    PublisherField::id("organization_id", "Organisation id")
        .example(SOME_ID)
        .summary("the organisation's UUID"),
);
pub(super) const PIPELINE_ID: Field = Field::new(
    "buildkite-pipeline-id",
    PublisherField::id("pipeline_id", "Pipeline id").example(SOME_ID).summary("the pipeline's UUID"),
);
pub(super) const BRANCH: Field = Field::new(
    "buildkite-branch",
    PublisherField::optional("build_branch", "Branch")
        .compared(FieldComparison::Pattern)
        .example("main")
        .summary("the build's branch"),
);
pub(super) const TAG: Field = Field::new(
    "buildkite-tag",
    PublisherField::optional("build_tag", "Tag")
        .compared(FieldComparison::Pattern)
        .example("v*")
        .summary("the build's tag"),
);
pub(super) const STEP: Field = Field::new(
    "buildkite-step",
    PublisherField::optional("step_key", "Step").example("publish").summary("the step's key"),
);

/// Every field of a publisher.
pub(super) static FIELDS: &[PublisherField] =
    &[ORGANIZATION.of, PIPELINE.of, ORGANIZATION_ID.of, PIPELINE_ID.of, BRANCH.of, TAG.of, STEP.of];
