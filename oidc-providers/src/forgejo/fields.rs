use crate::codes;
use crate::rules::typed::typed_publisher;
use crate::rules::{Field, fields};

pub(super) const REPOSITORY: Field = Field::new(codes::FORGEJO_REPOSITORY, fields::REPOSITORY);
pub(super) const WORKFLOW: Field = Field::new(
    codes::FORGEJO_WORKFLOW,
    fields::WORKFLOW
        .example(".forgejo/workflows/publish.yml")
        .summary("the path of the workflow's file in the repository"),
);
pub(super) const REPOSITORY_ID: Field = Field::new(
    codes::FORGEJO_REPOSITORY_ID,
    fields::REPOSITORY_ID
        .summary("the number that Forgejo gave the repository, which tokens of Forgejo 15.0 lack"),
);
pub(super) const OWNER_ID: Field = Field::new(
    codes::FORGEJO_REPOSITORY_OWNER_ID,
    fields::OWNER_ID
        .summary("the number that Forgejo gave the repository's owner, which tokens of Forgejo 15.0 lack"),
);
pub(super) const REF: Field =
    Field::new(codes::FORGEJO_REF, fields::REF.summary("the full name of the run's branch or tag"));
pub(super) const REF_PROTECTED: Field = Field::new(codes::FORGEJO_REF_PROTECTED, fields::REF_PROTECTED);
pub(super) const EVENT: Field = Field::new(
    codes::FORGEJO_EVENT,
    fields::RUN_EVENT.summary(
        "the events that may start the run; without it push, release, workflow_dispatch and schedule, and never pull_request_target",
    ),
);

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
    FIELDS, ForgejoPublisher(repository: REPOSITORY, workflow: WORKFLOW)

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
