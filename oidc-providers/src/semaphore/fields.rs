use oidc_core::PublisherField;

use crate::codes;
use crate::rules::typed::typed_publisher;
use crate::rules::{Field, fields};

pub(super) const ORGANIZATION: Field = Field::new(
    codes::SEMAPHORE_ORGANIZATION,
    fields::lasting("organization_id", "Organization id")
        .claim("org_id")
        .found_by()
        .summary("the organization's UUID"),
);
pub(super) const PROJECT: Field = Field::new(
    codes::SEMAPHORE_PROJECT,
    fields::lasting("project_id", "Project id").claim("prj_id").found_by().summary("the project's UUID"),
);
pub(super) const REPOSITORY: Field = Field::new(
    codes::SEMAPHORE_REPOSITORY,
    PublisherField::optional("repository", "Repository")
        .claim("repo_slug")
        .recommended()
        .example("acme/widget")
        .summary("the repository that the project builds, as owner/name"),
);
pub(super) const REF: Field = Field::new(
    codes::SEMAPHORE_REF,
    fields::REF.recommended().summary("the full name of the branch or tag; a pull request never publishes"),
);

typed_publisher! {
    /// The typed configuration of a publisher on Semaphore. It serializes and converts to the JSON form;
    /// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{Semaphore, SemaphorePublisher};
    ///
    /// let uuid = "0184990a-477b-4fa8-9968-496074483cee";
    /// let publisher = SemaphorePublisher::new(uuid, uuid).repository("acme/widget").git_ref("refs/tags/v*");
    /// assert!(Semaphore::at("https://acme.semaphoreci.com")?.publisher(&publisher.into()).is_ok());
    /// # Ok::<_, oidc_core::InvalidUrl>(())
    /// ```
    FIELDS, SemaphorePublisher(organization_id: ORGANIZATION, project_id: PROJECT)

    /// Sets the repository.
    fn repository(text REPOSITORY);

    /// Sets a pattern for the full name of the branch or tag, `ref` in JSON.
    fn git_ref(text REF);
}
