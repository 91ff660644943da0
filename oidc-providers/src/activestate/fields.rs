use oidc_core::PublisherField;

use crate::rules::Field;

const SOME_ID: &str = "0184990a-477b-4fa8-9968-496074483cee";

pub(super) const ORGANIZATION: Field = Field::new(
    "activestate-organization",
    PublisherField::required("organization", "Organisation")
        .found_by()
        .example("acme")
        .summary("the organisation's name in the web address"),
);
pub(super) const PROJECT: Field = Field::new(
    "activestate-project",
    PublisherField::required("project", "Project")
        .found_by()
        .example("widget")
        .summary("the project's name in the web address"),
);
pub(super) const ACTOR: Field = Field::new(
    "activestate-actor",
    PublisherField::required("actor_id", "Actor")
        .immutable()
        .example("00000000-0000-1000-8000-000000000002")
        .summary("the user's UUID"),
);
pub(super) const ORGANIZATION_ID: Field = Field::new(
    "activestate-organization-id",
    PublisherField::id("organization_id", "Organisation id")
        .example(SOME_ID)
        .summary("the organisation's UUID, which not every token has"),
);
pub(super) const PROJECT_ID: Field = Field::new(
    "activestate-project-id",
    PublisherField::id("project_id", "Project id")
        .example(SOME_ID)
        .summary("the project's UUID, which not every token has"),
);

/// Every field of a publisher.
pub(super) static FIELDS: &[PublisherField] =
    &[ORGANIZATION.of, PROJECT.of, ACTOR.of, ORGANIZATION_ID.of, PROJECT_ID.of];
