use oidc_core::{FieldComparison, PublisherField};
use serde::Serialize;
use serde_json::Value;

use crate::codes;
use crate::rules::Field;
use crate::rules::typed::Typed;

const SOME_ID: &str = "0184990a-477b-4fa8-9968-496074483cee";

pub(super) const ORGANIZATION: Field = Field::new(
    codes::BUILDKITE_ORGANIZATION,
    PublisherField::required("organization_slug", "Organisation")
        .found_by()
        .example("acme")
        .summary("the organisation's name in the web address"),
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
    PublisherField::id("organization_id", "Organisation id")
        .example(SOME_ID)
        .summary("the organisation's UUID"),
);
pub(super) const PIPELINE_ID: Field = Field::new(
    codes::BUILDKITE_PIPELINE_ID,
    PublisherField::id("pipeline_id", "Pipeline id").example(SOME_ID).summary("the pipeline's UUID"),
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

/// Every field of a publisher.
pub(super) static FIELDS: &[PublisherField] =
    &[ORGANIZATION.of, PIPELINE.of, ORGANIZATION_ID.of, PIPELINE_ID.of, BRANCH.of, TAG.of, STEP.of];

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[must_use]
pub struct BuildkitePublisher(Typed);

impl BuildkitePublisher {
    /// A publisher with the required fields.
    pub fn new(organization_slug: impl Into<String>, pipeline_slug: impl Into<String>) -> Self {
        Self(Typed::default().text(&ORGANIZATION, organization_slug).text(&PIPELINE, pipeline_slug))
    }

    /// Sets the organization's UUID, which is otherwise learned.
    pub fn organization_id(self, organization_id: impl Into<String>) -> Self {
        Self(self.0.text(&ORGANIZATION_ID, organization_id))
    }

    /// Sets the pipeline's UUID, which is otherwise learned.
    pub fn pipeline_id(self, pipeline_id: impl Into<String>) -> Self {
        Self(self.0.text(&PIPELINE_ID, pipeline_id))
    }

    /// Sets a pattern for the build's branch.
    pub fn build_branch(self, build_branch: impl Into<String>) -> Self {
        Self(self.0.text(&BRANCH, build_branch))
    }

    /// Sets a pattern for the build's tag.
    pub fn build_tag(self, build_tag: impl Into<String>) -> Self {
        Self(self.0.text(&TAG, build_tag))
    }

    /// Sets the step's key.
    pub fn step_key(self, step_key: impl Into<String>) -> Self {
        Self(self.0.text(&STEP, step_key))
    }
}

impl From<BuildkitePublisher> for Value {
    fn from(publisher: BuildkitePublisher) -> Self {
        publisher.0.into()
    }
}
