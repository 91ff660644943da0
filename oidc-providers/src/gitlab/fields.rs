use oidc_core::{FieldComparison, FieldType, PublisherField};

use crate::codes;
use crate::rules::Field;
use crate::rules::constraints::{ENVIRONMENT_WEIGHT, Fields};
use crate::rules::typed::typed_publisher;

pub(super) const PROJECT: Field = Field::new(
    codes::GITLAB_PROJECT_PATH,
    PublisherField::required("project_path", "Project")
        .compared(FieldComparison::IgnoringCase)
        .found_by()
        .example("acme/group/widget")
        .summary("the project's path with all its groups"),
);
pub(super) const CI_CONFIG: Field = Field::new(
    codes::GITLAB_CI_CONFIG,
    PublisherField::required("ci_config", "CI configuration")
        .claim("ci_config_ref_uri")
        .example(".gitlab-ci.yml")
        .summary("the path of the CI configuration in the project"),
);
pub(super) const PROJECT_ID: Field = Field::new(
    codes::GITLAB_PROJECT_ID,
    PublisherField::id("project_id", "Project id")
        .example("123456")
        .summary("the number that GitLab gave the project"),
);
pub(super) const NAMESPACE_ID: Field = Field::new(
    codes::GITLAB_NAMESPACE_ID,
    PublisherField::id("namespace_id", "Namespace id")
        .example("123456")
        .summary("the number that GitLab gave the project's group or user"),
);

/// The optional rules.
pub(super) static CONSTRAINTS: Fields = Fields {
    environment: Some(ENVIRONMENT),
    git_ref: REF,
    ref_protected: REF_PROTECTED,
    event: EVENT,
    runner_environment: Some(RUNNER_ENVIRONMENT),
};

const ENVIRONMENT: Field = Field::new(
    codes::GITLAB_ENVIRONMENT,
    PublisherField::optional("environment", "Environment")
        .recommended()
        .specificity(ENVIRONMENT_WEIGHT)
        .example("publish")
        .summary("the job's environment"),
);
const REF: Field = Field::new(
    codes::GITLAB_REF,
    PublisherField::optional("ref", "Ref")
        .claim("ref_path")
        .compared(FieldComparison::Pattern)
        .example("refs/tags/v*")
        .summary("the full name of the pipeline's branch or tag"),
);
const REF_PROTECTED: Field = Field::new(
    codes::GITLAB_REF_PROTECTED,
    PublisherField::optional("ref_protected", "Protected ref")
        .of_type(FieldType::Flag)
        .example("true")
        .summary("true if the branch or tag must be protected; false is no rule"),
);
const EVENT: Field = Field::new(
    codes::GITLAB_EVENT,
    PublisherField::optional("event", "Event")
        .claim("pipeline_source")
        .of_type(FieldType::Texts)
        .compared(FieldComparison::OneOf)
        .example("push, web")
        .summary("the events that may start the pipeline"),
);
const RUNNER_ENVIRONMENT: Field = Field::new(
    codes::GITLAB_RUNNER_ENVIRONMENT,
    PublisherField::optional("runner_environment", "Runner")
        .choices(&["gitlab-hosted", "self-hosted"])
        .example("gitlab-hosted")
        .summary("the owner of the machine that runs the job"),
);

/// The fields of a publisher.
pub(super) static FIELDS: &[PublisherField] = &[
    PROJECT.of,
    CI_CONFIG.of,
    ENVIRONMENT.of,
    PROJECT_ID.of,
    NAMESPACE_ID.of,
    REF.of,
    REF_PROTECTED.of,
    EVENT.of,
    RUNNER_ENVIRONMENT.of,
];

typed_publisher! {
    /// The typed configuration of a publisher on GitLab CI. It serializes and converts to the JSON form;
    /// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{GitLab, GitLabPublisher};
    ///
    /// let publisher = GitLabPublisher::new("acme/group/widget", ".gitlab-ci.yml").environment("publish").git_ref("refs/tags/v*");
    /// assert!(GitLab::public().publisher(&publisher.into()).is_ok());
    /// ```
    GitLabPublisher(project_path: PROJECT, ci_config: CI_CONFIG)

    /// Sets the job's environment.
    fn environment(text ENVIRONMENT);

    /// Sets the project's number, which is otherwise learned.
    fn project_id(text PROJECT_ID);

    /// Sets the namespace's number, which is otherwise learned.
    fn namespace_id(text NAMESPACE_ID);

    /// Sets a pattern for the full name of the pipeline's branch or tag, `ref` in JSON.
    fn git_ref(text REF);

    /// Allows protected branches and tags only.
    fn ref_protected(flag REF_PROTECTED);

    /// Allows these pipeline sources only, `event` in JSON.
    fn events(texts EVENT);

    /// Allows `gitlab-hosted` or `self-hosted` runners only.
    fn runner_environment(text RUNNER_ENVIRONMENT);
}
