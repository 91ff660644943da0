//! The fields that publishers of several platforms have, each completed by its platform with a code, a claim and a
//! summary.

use oidc_core::{FieldComparison, FieldType, PublisherField};

/// The weight of an environment in a publisher's specificity: more than all other optional rules together.
const ENVIRONMENT_WEIGHT: u32 = 100;

/// An example of a UUID.
pub(crate) const SOME_UUID: &str = "0184990a-477b-4fa8-9968-496074483cee";

/// A repository, by its owner's name and its own.
pub(crate) const REPOSITORY: PublisherField = PublisherField::required("repository", "Repository")
    .compared(FieldComparison::IgnoringCase)
    .found_by()
    .example("acme/widget")
    .summary("the repository, as owner/name");

/// The file of the workflow that was started, on GitHub and on compatible servers.
pub(crate) const WORKFLOW: PublisherField =
    PublisherField::required("workflow", "Workflow").claim("workflow_ref");

/// The owner whose repositories may publish.
pub(crate) const OWNER: PublisherField = PublisherField::required("owner", "Owner")
    .compared(FieldComparison::IgnoringCase)
    .found_by()
    .example("acme");

/// The workflow that holds the job, on platforms where the one that was started can call another one.
pub(crate) const CALLED_WORKFLOW: PublisherField = PublisherField::optional("job_workflow", "Called workflow")
    .compared(FieldComparison::Pattern)
    .recommended()
    .summary("the workflow that holds the job, beside the one that the run began with: repository, path and, behind @, a ref or a commit");

/// The number of a repository.
pub(crate) const REPOSITORY_ID: PublisherField = number("repository_id", "Repository id");

/// The number of a repository's owner.
pub(crate) const OWNER_ID: PublisherField = number("repository_owner_id", "Owner id");

/// An immutable id that is a number.
pub(crate) const fn number(key: &'static str, title: &'static str) -> PublisherField {
    PublisherField::id(key, title).example("123456")
}

/// An immutable id that is a UUID.
pub(crate) const fn uuid(key: &'static str, title: &'static str) -> PublisherField {
    PublisherField::id(key, title).example(SOME_UUID)
}

/// The name of an organization, project or pipeline that is a UUID, so that it outlives a rename itself.
pub(crate) const fn lasting(key: &'static str, title: &'static str) -> PublisherField {
    PublisherField::required(key, title).immutable().example(SOME_UUID)
}

/// The job's environment.
pub(crate) const ENVIRONMENT: PublisherField = PublisherField::optional("environment", "Environment")
    .recommended()
    .specificity(ENVIRONMENT_WEIGHT)
    .example("publish")
    .summary("the job's environment");

/// A pattern for the full name of a branch or tag.
pub(crate) const REF: PublisherField =
    PublisherField::optional("ref", "Ref").compared(FieldComparison::Pattern).example("refs/tags/v*");

/// The rule that the branch or tag is protected.
pub(crate) const REF_PROTECTED: PublisherField = PublisherField::optional("ref_protected", "Protected ref")
    .of_type(FieldType::Flag)
    .example("true")
    .summary("true if the branch or tag must be protected; false is no rule");

/// The events that may start the run.
pub(crate) const EVENT: PublisherField =
    PublisherField::optional("event", "Event").of_type(FieldType::Texts).compared(FieldComparison::OneOf);

/// The events that may start the run on GitHub and on compatible servers.
pub(crate) const RUN_EVENT: PublisherField = EVENT.claim("event_name").example("push, release");

/// The owner of the machine that runs the job, the platform's first.
pub(crate) const fn runner(owners: &'static [&'static str; 2]) -> PublisherField {
    let [platform, _] = owners;
    PublisherField::optional("runner_environment", "Runner")
        .choices(owners)
        .example(platform)
        .summary("the owner of the machine that runs the job")
}
