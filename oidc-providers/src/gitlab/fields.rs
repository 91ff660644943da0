use oidc_core::{FieldComparison, PublisherField};

use crate::codes;
use crate::rules::typed::typed_publisher;
use crate::rules::{Field, fields};

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
pub(super) const ENVIRONMENT: Field = Field::new(codes::GITLAB_ENVIRONMENT, fields::ENVIRONMENT);
pub(super) const PROJECT_ID: Field = Field::new(
    codes::GITLAB_PROJECT_ID,
    fields::number("project_id", "Project id").summary("the number that GitLab gave the project"),
);
pub(super) const NAMESPACE_ID: Field = Field::new(
    codes::GITLAB_NAMESPACE_ID,
    fields::number("namespace_id", "Namespace id")
        .summary("the number that GitLab gave the project's group or user"),
);
pub(super) const REF: Field = Field::new(
    codes::GITLAB_REF,
    fields::REF.claim("ref_path").summary("the full name of the pipeline's branch or tag"),
);
pub(super) const REF_PROTECTED: Field = Field::new(codes::GITLAB_REF_PROTECTED, fields::REF_PROTECTED);
pub(super) const EVENT: Field = Field::new(
    codes::GITLAB_EVENT,
    fields::EVENT
        .claim("pipeline_source")
        .example("push, web")
        .summary("the events that may start the pipeline"),
);
pub(super) const RUNNER_ENVIRONMENT: Field =
    Field::new(codes::GITLAB_RUNNER_ENVIRONMENT, fields::runner(&["gitlab-hosted", "self-hosted"]));

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
    FIELDS, GitLabPublisher(project_path: PROJECT, ci_config: CI_CONFIG)

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
