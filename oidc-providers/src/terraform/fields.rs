use oidc_core::PublisherField;

use crate::codes;
use crate::rules::Field;
use crate::rules::typed::typed_publisher;

pub(super) const ORGANIZATION: Field = Field::new(
    codes::TERRAFORM_ORGANIZATION,
    PublisherField::required("organization_name", "Organization")
        .claim("terraform_organization_name")
        .found_by()
        .example("acme")
        .summary("the organization's name"),
);
pub(super) const WORKSPACE: Field = Field::new(
    codes::TERRAFORM_WORKSPACE,
    PublisherField::required("workspace_name", "Workspace")
        .claim("terraform_workspace_name")
        .found_by()
        .example("publish-widget")
        .summary("the workspace's name"),
);
pub(super) const ORGANIZATION_ID: Field = Field::new(
    codes::TERRAFORM_ORGANIZATION_ID,
    PublisherField::id("terraform_organization_id", "Organization id")
        .example("org-GRNbCjYNpBB6NEBH")
        .summary("the id that HCP Terraform gave the organization"),
);
pub(super) const WORKSPACE_ID: Field = Field::new(
    codes::TERRAFORM_WORKSPACE_ID,
    PublisherField::id("terraform_workspace_id", "Workspace id")
        .example("ws-mbsd5E3Ktt5Rg2Xm")
        .summary("the id that HCP Terraform gave the workspace"),
);
pub(super) const PROJECT: Field = Field::new(
    codes::TERRAFORM_PROJECT,
    PublisherField::optional("project_name", "Project")
        .claim("terraform_project_name")
        .example("libraries")
        .summary("the name of the workspace's project"),
);
pub(super) const PHASE: Field = Field::new(
    codes::TERRAFORM_RUN_PHASE,
    PublisherField::optional("run_phase", "Phase")
        .claim("terraform_run_phase")
        .choices(&["apply", "plan"])
        .example("apply")
        .summary("the phase of the run; without it apply alone, since a plan may run for a change that nobody approved"),
);

typed_publisher! {
    /// The typed configuration of a publisher on HCP Terraform. It serializes and converts to the JSON form;
    /// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{Terraform, TerraformPublisher};
    ///
    /// let publisher = TerraformPublisher::new("acme", "publish-widget").project("libraries");
    /// assert!(Terraform::public().publisher(&publisher.into()).is_ok());
    /// ```
    FIELDS, TerraformPublisher(organization: ORGANIZATION, workspace: WORKSPACE)

    /// Sets the organization's id, `terraform_organization_id` in JSON, which is otherwise learned.
    fn organization_id(text ORGANIZATION_ID);

    /// Sets the workspace's id, `terraform_workspace_id` in JSON, which is otherwise learned.
    fn workspace_id(text WORKSPACE_ID);

    /// Sets the name of the workspace's project.
    fn project(text PROJECT);

    /// Sets the phase of the run, `apply` or `plan`.
    fn run_phase(text PHASE);
}
