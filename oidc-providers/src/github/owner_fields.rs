//! The fields of a publisher for every repository of an owner.

use oidc_core::{FieldComparison, PublisherField};

use super::fields::{ENVIRONMENT, EVENT, JOB_WORKFLOW, OWNER_ID, REF, REF_PROTECTED, RUNNER_ENVIRONMENT};
use crate::codes;
use crate::rules::Field;
use crate::rules::typed::typed_publisher;

pub(super) const OWNER: Field = Field::new(
    codes::GITHUB_REPOSITORY_OWNER,
    PublisherField::required("owner", "Owner")
        .claim("repository_owner")
        .compared(FieldComparison::IgnoringCase)
        .found_by()
        .example("acme")
        .summary("the user or organisation whose repositories may publish"),
);
pub(super) const REPOSITORIES: Field = Field::new(
    codes::GITHUB_REPOSITORY,
    PublisherField::optional("repository", "Repositories")
        .compared(FieldComparison::Pattern)
        .recommended()
        .example("acme/widget-*")
        .summary("those of the owner's repositories that may publish, as owner/name; without it all of them"),
)
.ignoring_case();
pub(super) const WORKFLOWS: Field = Field::new(
    codes::GITHUB_WORKFLOW,
    PublisherField::optional("workflow", "Workflows")
        .claim("workflow_ref")
        .compared(FieldComparison::Pattern)
        .recommended()
        .example("publish*.yml")
        .summary(
            "the names of the files in .github/workflows that the run may begin with; without it all of them",
        ),
);

typed_publisher! {
    /// The typed configuration of a publisher for every repository of an owner. It serializes and converts to the JSON
    /// form; [`GitHub::allowing_owners`](super::GitHub::allowing_owners) reads it.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{GitHub, GitHubOwnerPublisher};
    ///
    /// let publisher = GitHubOwnerPublisher::new("acme").repository_owner_id("1").workflow("publish*.yml");
    /// assert!(GitHub::public().publisher(&publisher.clone().into()).is_err(), "no registry takes one by itself");
    /// assert!(GitHub::public().allowing_owners().publisher(&publisher.into()).is_ok());
    /// ```
    OWNER_FIELDS, GitHubOwnerPublisher(owner: OWNER)

    /// Sets the owner's number, which is otherwise learned.
    fn repository_owner_id(text OWNER_ID);

    /// Sets a pattern for the owner's repositories, as owner/name.
    fn repository(text REPOSITORIES);

    /// Sets a pattern for the file that the run began with.
    fn workflow(text WORKFLOWS);

    /// Sets the job's environment.
    fn environment(text ENVIRONMENT);

    /// Sets a pattern for the full name of the run's branch or tag, `ref` in JSON.
    fn git_ref(text REF);

    /// Allows protected branches and tags only.
    fn ref_protected(flag REF_PROTECTED);

    /// Allows these events only, `event` in JSON.
    fn events(texts EVENT);

    /// Sets the called workflow that holds the job, at a pattern for a ref or at a commit.
    fn job_workflow(text JOB_WORKFLOW);

    /// Allows `github-hosted` or `self-hosted` runners only.
    fn runner_environment(text RUNNER_ENVIRONMENT);
}
