use oidc_core::{FieldComparison, FieldType, PublisherField};

use crate::codes;
use crate::rules::Field;
use crate::rules::constraints::Fields;
use crate::rules::typed::typed_publisher;

pub(super) const REPOSITORY: Field = Field::new(
    codes::FORGEJO_REPOSITORY,
    PublisherField::required("repository", "Repository")
        .compared(FieldComparison::IgnoringCase)
        .found_by()
        .example("acme/widget")
        .summary("the repository, as owner/name"),
);
pub(super) const WORKFLOW: Field = Field::new(
    codes::FORGEJO_WORKFLOW,
    PublisherField::required("workflow", "Workflow")
        .claim("workflow_ref")
        .example(".forgejo/workflows/publish.yml")
        .summary("the path of the workflow's file in the repository"),
);
pub(super) const REPOSITORY_ID: Field = Field::new(
    codes::FORGEJO_REPOSITORY_ID,
    PublisherField::id("repository_id", "Repository id")
        .example("123456")
        .summary("the number that Forgejo gave the repository, which tokens of Forgejo 15.0 lack"),
);
pub(super) const OWNER_ID: Field = Field::new(
    codes::FORGEJO_REPOSITORY_OWNER_ID,
    PublisherField::id("repository_owner_id", "Owner id")
        .example("123456")
        .summary("the number that Forgejo gave the repository's owner, which tokens of Forgejo 15.0 lack"),
);
const REF: Field = Field::new(
    codes::FORGEJO_REF,
    PublisherField::optional("ref", "Ref")
        .compared(FieldComparison::Pattern)
        .example("refs/tags/v*")
        .summary("the full name of the run's branch or tag"),
);
const REF_PROTECTED: Field = Field::new(
    codes::FORGEJO_REF_PROTECTED,
    PublisherField::optional("ref_protected", "Protected ref")
        .of_type(FieldType::Flag)
        .example("true")
        .summary("true if the branch or tag must be protected; false is no rule"),
);
const EVENT: Field = Field::new(
    codes::FORGEJO_EVENT,
    PublisherField::optional("event", "Event")
        .claim("event_name")
        .of_type(FieldType::Texts)
        .compared(FieldComparison::OneOf)
        .example("push, release")
        .summary(
            "the events that may start the run; without it push, release, workflow_dispatch and schedule, and never pull_request_target",
        ),
);

/// The optional rules.
pub(super) static CONSTRAINTS: Fields = Fields {
    environment: None,
    git_ref: REF,
    ref_protected: REF_PROTECTED,
    event: EVENT,
    runner_environment: None,
};

/// Every field of a publisher.
pub(super) static FIELDS: &[PublisherField] =
    &[REPOSITORY.of, WORKFLOW.of, REPOSITORY_ID.of, OWNER_ID.of, REF.of, REF_PROTECTED.of, EVENT.of];

typed_publisher! {
    /// The typed configuration of a publisher on Forgejo Actions. It serializes and converts to the JSON form;
    /// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{Forgejo, ForgejoPublisher};
    ///
    /// let publisher = ForgejoPublisher::new("acme/widget", ".forgejo/workflows/publish.yml").git_ref("refs/tags/v*");
    /// assert!(Forgejo::public().publisher(&publisher.into()).is_ok());
    /// ```
    ForgejoPublisher(repository: REPOSITORY, workflow: WORKFLOW)

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
}
