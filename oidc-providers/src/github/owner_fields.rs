//! The fields of a publisher for every repository of an owner.

use oidc_core::{FieldComparison, PublisherField};
use serde::Serialize;
use serde_json::Value;

use super::fields::{
    CONSTRAINTS, ENVIRONMENT, EVENT, JOB_WORKFLOW, OWNER_ID, REF, REF_PROTECTED, RUNNER_ENVIRONMENT,
};
use crate::codes;
use crate::rules::Field;
use crate::rules::typed::Typed;

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
);
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

/// Every field of a publisher for an owner.
pub(super) static OWNER_FIELDS: &[PublisherField] = &[
    OWNER.of,
    OWNER_ID.of,
    REPOSITORIES.of,
    WORKFLOWS.of,
    ENVIRONMENT.of,
    REF.of,
    REF_PROTECTED.of,
    EVENT.of,
    JOB_WORKFLOW.of,
    RUNNER_ENVIRONMENT.of,
];

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[must_use]
pub struct GitHubOwnerPublisher(Typed);

impl GitHubOwnerPublisher {
    /// A publisher with the required field.
    pub fn new(owner: impl Into<String>) -> Self {
        Self(Typed::default().text(&OWNER, owner))
    }

    /// Sets the owner's number, which is otherwise learned.
    pub fn repository_owner_id(self, repository_owner_id: impl Into<String>) -> Self {
        Self(self.0.text(&OWNER_ID, repository_owner_id))
    }

    /// Sets a pattern for the owner's repositories, as owner/name.
    pub fn repository(self, repository: impl Into<String>) -> Self {
        Self(self.0.text(&REPOSITORIES, repository))
    }

    /// Sets a pattern for the file that the run began with.
    pub fn workflow(self, workflow: impl Into<String>) -> Self {
        Self(self.0.text(&WORKFLOWS, workflow))
    }

    /// Sets the job's environment.
    pub fn environment(self, environment: impl Into<String>) -> Self {
        Self(self.0.text(&ENVIRONMENT, environment))
    }

    /// Sets a pattern for the full name of the run's branch or tag, `ref` in JSON.
    pub fn git_ref(self, git_ref: impl Into<String>) -> Self {
        Self(self.0.text(&CONSTRAINTS.git_ref, git_ref))
    }

    /// Allows protected branches and tags only.
    pub fn ref_protected(self) -> Self {
        Self(self.0.with(&CONSTRAINTS.ref_protected, true))
    }

    /// Allows these events only, `event` in JSON.
    pub fn events(self, events: impl IntoIterator<Item: Into<String>>) -> Self {
        Self(self.0.texts(&CONSTRAINTS.event, events))
    }

    /// Sets the called workflow that holds the job, at a pattern for a ref or at a commit.
    pub fn job_workflow(self, job_workflow: impl Into<String>) -> Self {
        Self(self.0.text(&JOB_WORKFLOW, job_workflow))
    }

    /// Allows `github-hosted` or `self-hosted` runners only.
    pub fn runner_environment(self, runner_environment: impl Into<String>) -> Self {
        Self(self.0.text(&RUNNER_ENVIRONMENT, runner_environment))
    }
}

impl From<GitHubOwnerPublisher> for Value {
    fn from(publisher: GitHubOwnerPublisher) -> Self {
        publisher.0.into()
    }
}
