use oidc_core::{FieldComparison, PublisherField};

use crate::codes;
use crate::rules::typed::typed_publisher;
use crate::rules::{Field, fields};

pub(super) const ORGANIZATION: Field = Field::new(
    codes::BUILDKITE_ORGANIZATION,
    PublisherField::required("organization_slug", "Organization")
        .found_by()
        .example("acme")
        .summary("the organization's name in the web address"),
);
pub(super) const PIPELINE: Field = Field::new(
    codes::BUILDKITE_PIPELINE,
    PublisherField::required("pipeline_slug", "Pipeline")
        .found_by()
        .example("widget")
        .summary("the pipeline's name in the web address"),
);
pub(super) const ORGANIZATION_ID: Field = Field::new(
    codes::BUILDKITE_ORGANIZATION_ID,
    fields::uuid("organization_id", "Organization id").summary("the organization's UUID"),
);
pub(super) const PIPELINE_ID: Field = Field::new(
    codes::BUILDKITE_PIPELINE_ID,
    fields::uuid("pipeline_id", "Pipeline id").summary("the pipeline's UUID"),
);
pub(super) const BRANCH: Field = Field::new(
    codes::BUILDKITE_BRANCH,
    PublisherField::optional("build_branch", "Branch")
        .compared(FieldComparison::Pattern)
        .example("main")
        .summary("the build's branch"),
);
pub(super) const TAG: Field = Field::new(
    codes::BUILDKITE_TAG,
    PublisherField::optional("build_tag", "Tag")
        .compared(FieldComparison::Pattern)
        .example("v*")
        .summary("the build's tag"),
);
pub(super) const STEP: Field = Field::new(
    codes::BUILDKITE_STEP,
    PublisherField::optional("step_key", "Step").example("publish").summary("the step's key"),
);

typed_publisher! {
    /// The typed configuration of a publisher on Buildkite. It serializes and converts to the JSON form;
    /// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{Buildkite, BuildkitePublisher};
    ///
    /// let publisher = BuildkitePublisher::new("acme", "widget").build_tag("v*");
    /// assert!(Buildkite::public().publisher(&publisher.into()).is_ok());
    /// ```
    FIELDS, BuildkitePublisher(organization_slug: ORGANIZATION, pipeline_slug: PIPELINE)

    /// Sets the organization's UUID, which is otherwise learned.
    fn organization_id(text ORGANIZATION_ID);

    /// Sets the pipeline's UUID, which is otherwise learned.
    fn pipeline_id(text PIPELINE_ID);

    /// Sets a pattern for the build's branch.
    fn build_branch(text BRANCH);

    /// Sets a pattern for the build's tag.
    fn build_tag(text TAG);

    /// Sets the step's key.
    fn step_key(text STEP);
}
