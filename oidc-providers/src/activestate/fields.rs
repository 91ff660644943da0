use oidc_core::PublisherField;

use crate::codes;
use crate::rules::typed::typed_publisher;
use crate::rules::{Field, fields};

pub(super) const ORGANIZATION: Field = Field::new(
    codes::ACTIVESTATE_ORGANIZATION,
    PublisherField::required("organization", "Organization")
        .found_by()
        .example("acme")
        .summary("the organization's name in the web address"),
);
pub(super) const PROJECT: Field = Field::new(
    codes::ACTIVESTATE_PROJECT,
    PublisherField::required("project", "Project")
        .found_by()
        .example("widget")
        .summary("the project's name in the web address"),
);
pub(super) const ACTOR: Field = Field::new(
    codes::ACTIVESTATE_ACTOR,
    PublisherField::required("actor_id", "Actor")
        .immutable()
        .example("00000000-0000-1000-8000-000000000002")
        .summary("the user's UUID"),
);
pub(super) const ORGANIZATION_ID: Field = Field::new(
    codes::ACTIVESTATE_ORGANIZATION_ID,
    fields::uuid("organization_id", "Organization id")
        .summary("the organization's UUID, which not every token has"),
);
pub(super) const PROJECT_ID: Field = Field::new(
    codes::ACTIVESTATE_PROJECT_ID,
    fields::uuid("project_id", "Project id").summary("the project's UUID, which not every token has"),
);

typed_publisher! {
    /// The typed configuration of a publisher on ActiveState. It serializes and converts to the JSON form;
    /// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{ActiveState, ActiveStatePublisher};
    ///
    /// let publisher = ActiveStatePublisher::new("acme", "widget", "00000000-0000-1000-8000-000000000002");
    /// assert!(ActiveState::public().publisher(&publisher.into()).is_ok());
    /// ```
    FIELDS, ActiveStatePublisher(organization: ORGANIZATION, project: PROJECT, actor_id: ACTOR)

    /// Sets the organization's UUID, which is otherwise learned.
    fn organization_id(text ORGANIZATION_ID);

    /// Sets the project's UUID, which is otherwise learned.
    fn project_id(text PROJECT_ID);
}
