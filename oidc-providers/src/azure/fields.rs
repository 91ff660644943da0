use oidc_core::PublisherField;

use crate::codes;
use crate::rules::typed::typed_publisher;
use crate::rules::{Field, fields};

pub(super) const ORGANIZATION: Field = Field::new(
    codes::AZURE_ORGANIZATION,
    fields::lasting("organization_id", "Organization id")
        .claim("org_id")
        .found_by()
        .summary("the organization's UUID, which is also the last part of its issuer"),
);
pub(super) const PROJECT: Field = Field::new(
    codes::AZURE_PROJECT,
    fields::lasting("project_id", "Project id").claim("prj_id").found_by().summary("the project's UUID"),
);
pub(super) const DEFINITION: Field = Field::new(
    codes::AZURE_DEFINITION,
    PublisherField::required("definition_id", "Definition id")
        .claim("def_id")
        .found_by()
        .immutable()
        .example("7")
        .summary("the number of the pipeline's definition, which stands in its web address"),
);
pub(super) const REPOSITORY: Field = Field::new(
    codes::AZURE_REPOSITORY,
    PublisherField::optional("repository", "Repository")
        .claim("rpo_uri")
        .recommended()
        .example("https://github.com/acme/widget.git")
        .summary("the address of the repository that the pipeline builds, as the token has it"),
);
pub(super) const REF: Field = Field::new(
    codes::AZURE_REF,
    fields::REF
        .claim("rpo_ref")
        .recommended()
        .summary("the full name of the run's branch or tag; without it any but that of a pull request"),
);

typed_publisher! {
    /// The typed configuration of a publisher on Azure Pipelines. It serializes and converts to the JSON form;
    /// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{AzurePipelines, AzurePipelinesPublisher};
    ///
    /// let uuid = "0184990a-477b-4fa8-9968-496074483cee";
    /// let publisher = AzurePipelinesPublisher::new(uuid, uuid, "7").git_ref("refs/tags/v*");
    /// let azure = AzurePipelines::at(&format!("https://vstoken.dev.azure.com/{uuid}"))?;
    /// assert!(azure.publisher(&publisher.into()).is_ok());
    /// # Ok::<_, oidc_core::InvalidUrl>(())
    /// ```
    FIELDS, AzurePipelinesPublisher(organization_id: ORGANIZATION, project_id: PROJECT, definition_id: DEFINITION)

    /// Sets the address of the repository.
    fn repository(text REPOSITORY);

    /// Sets a pattern for the full name of the run's branch or tag, `ref` in JSON.
    fn git_ref(text REF);
}
