use oidc_core::{FieldComparison, PublisherField};

use crate::codes;
use crate::rules::typed::typed_publisher;
use crate::rules::{Field, fields};

pub(super) const REPOSITORY: Field = Field::new(codes::GITHUB_REPOSITORY, fields::REPOSITORY);
pub(super) const WORKFLOW: Field = Field::new(
    codes::GITHUB_WORKFLOW,
    fields::WORKFLOW
        .example("publish.yml")
        .summary("the name of the file in .github/workflows that the run began with"),
);
pub(super) const ENVIRONMENT: Field =
    Field::new(codes::GITHUB_ENVIRONMENT, fields::ENVIRONMENT.compared(FieldComparison::IgnoringCase));
pub(super) const REPOSITORY_ID: Field = Field::new(
    codes::GITHUB_REPOSITORY_ID,
    fields::REPOSITORY_ID.summary("the number that GitHub gave the repository"),
);
pub(super) const OWNER_ID: Field = Field::new(
    codes::GITHUB_REPOSITORY_OWNER_ID,
    fields::OWNER_ID.summary("the number that GitHub gave the repository's owner"),
);
pub(super) const REF: Field =
    Field::new(codes::GITHUB_REF, fields::REF.summary("the full name of the run's branch or tag"));
pub(super) const REF_PROTECTED: Field = Field::new(codes::GITHUB_REF_PROTECTED, fields::REF_PROTECTED);
pub(super) const EVENT: Field = Field::new(
    codes::GITHUB_EVENT,
    fields::RUN_EVENT.summary(
        "the events that may start the run; without it push, release, workflow_dispatch, repository_dispatch, schedule, \
         merge_group, create and deployment, and never pull_request_target",
    ),
);
pub(super) const JOB_WORKFLOW: Field = Field::new(
    codes::GITHUB_JOB_WORKFLOW,
    fields::CALLED_WORKFLOW
        .claim("job_workflow_ref")
        .example("acme/shared/.github/workflows/release.yml@refs/tags/*"),
);
pub(super) const RUNNER_ENVIRONMENT: Field =
    Field::new(codes::GITHUB_RUNNER_ENVIRONMENT, fields::runner(&["github-hosted", "self-hosted"]));

/// The fields of a publisher at a registry that compares no workflow.
pub(super) static FIELDS_WITHOUT_WORKFLOW: &[PublisherField] = &[
    REPOSITORY.of,
    ENVIRONMENT.of,
    REPOSITORY_ID.of,
    OWNER_ID.of,
    REF.of,
    REF_PROTECTED.of,
    EVENT.of,
    RUNNER_ENVIRONMENT.of,
];

typed_publisher! {
    /// The typed configuration of a publisher on GitHub Actions. It serializes and converts to the JSON form;
    /// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{GitHub, GitHubPublisher};
    ///
    /// let publisher = GitHubPublisher::new("acme/widget", "publish.yml").environment("publish").git_ref("refs/tags/v*");
    /// assert!(GitHub::public().publisher(&publisher.into()).is_ok());
    /// ```
    FIELDS, GitHubPublisher(repository: REPOSITORY, workflow: WORKFLOW)

    /// Sets the job's environment.
    fn environment(text ENVIRONMENT);

    /// Sets a pattern for the called workflow that holds the job, with its ref or commit.
    fn job_workflow(text JOB_WORKFLOW);

    /// Sets the repository's number, which is otherwise learned.
    fn repository_id(text REPOSITORY_ID);

    /// Sets the owner's number, which is otherwise learned.
    fn repository_owner_id(text OWNER_ID);

    /// Sets a pattern for the full name of the run's branch or tag, `ref` in JSON.
    fn git_ref(text REF);

    /// Allows protected branches and tags only.
    fn ref_protected(flag REF_PROTECTED);

    /// Allows these events only, `event` in JSON.
    fn events(texts EVENT);

    /// Allows `github-hosted` or `self-hosted` runners only.
    fn runner_environment(text RUNNER_ENVIRONMENT);
}
