//! Azure DevOps.

oidc_core::__codes! {
    AZURE_DEFINITION = "azure-definition",
        "The run is of another pipeline's definition than the publisher's.",
        "Publish by the publisher's pipeline, or change the publisher.";
    AZURE_NOT_PERMITTED = "azure-not-permitted",
        "The step may not ask for identity tokens.",
        "Map `SYSTEM_ACCESSTOKEN` to `$(System.AccessToken)` in the step's `env`.";
    AZURE_ORGANIZATION = "azure-organization",
        "The run is of another organization than the publisher's.",
        "Publish from the publisher's organization, or change the publisher.";
    AZURE_PROJECT = "azure-project",
        "The run is of another project than the publisher's.",
        "Publish from the publisher's project, or change the publisher.";
    AZURE_REF = "azure-ref",
        "The run is of another branch or tag than the publisher's, or of a pull request.",
        "Publish from a ref that the publisher's `ref` matches, or change the publisher.";
    AZURE_REPOSITORY = "azure-repository",
        "The pipeline builds another repository than the publisher's.",
        "Build the publisher's repository, or change the publisher.";
    AZURE_REQUEST_URI = "azure-request-uri",
        "The agent's variable holds no URL that a token may be asked from.",
        "Leave the variable as the agent sets it.";
}
