//! HCP Terraform.

oidc_core::__codes! {
    TERRAFORM_ORGANIZATION = "terraform-organization",
        "The run is of another organization than the publisher's.",
        "Publish from the publisher's organization, or change the publisher.";
    TERRAFORM_ORGANIZATION_ID = "terraform-organization-id",
        "The organization has the name that the publisher has, and another id.",
        "Configure the publisher again, if the organization is yours.";
    TERRAFORM_PROJECT = "terraform-project",
        "The workspace is of another project than the publisher's.",
        "Move the workspace, or change the publisher's `project_name`.";
    TERRAFORM_RUN_PHASE = "terraform-run-phase",
        "The token is of another phase of the run than the publisher's.",
        "Publish in the apply phase, or change the publisher's `run_phase`.";
    TERRAFORM_TOKEN_MISSING = "terraform-token-missing",
        "The run has no identity token.",
        "Set the workspace's variable `TFC_WORKLOAD_IDENTITY_AUDIENCE` to the registry's audience.";
    TERRAFORM_WORKSPACE = "terraform-workspace",
        "The run is of another workspace than the publisher's.",
        "Publish from the publisher's workspace, or change the publisher.";
    TERRAFORM_WORKSPACE_ID = "terraform-workspace-id",
        "The workspace has the name that the publisher has, and another id.",
        "Configure the publisher again, if the workspace is yours.";
}
