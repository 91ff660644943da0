//! Buildkite.

oidc_core::__codes! {
    BUILDKITE_BRANCH = "buildkite-branch",
        "The build is of another branch than the publisher's; as a notice, that a branch's name proves little.",
        "Build the publisher's branch or change the publisher; better, constrain `step_key` or `build_tag`.";
    BUILDKITE_ENDPOINT = "buildkite-endpoint",
        "The agent's variable with the API's address holds no URL that a token may be asked from.",
        "Leave the variable as the agent sets it.";
    BUILDKITE_JOB_ID = "buildkite-job-id",
        "The agent's variable with the job's id holds no id.",
        "Leave the variable as the agent sets it.";
    BUILDKITE_ORGANIZATION = "buildkite-organization",
        "The build is of another organization than the publisher's.",
        "Build in the publisher's organization, or change the publisher.";
    BUILDKITE_ORGANIZATION_ID = "buildkite-organization-id",
        "The organization has the name that the publisher has, and another id.",
        "Configure the publisher again, if the organization is yours.";
    BUILDKITE_PIPELINE = "buildkite-pipeline",
        "The build is of another pipeline than the publisher's.",
        "Publish from the publisher's pipeline, or change the publisher.";
    BUILDKITE_PIPELINE_ID = "buildkite-pipeline-id",
        "The pipeline has the name that the publisher has, and another id.",
        "Configure the publisher again, if the pipeline is yours.";
    BUILDKITE_STEP = "buildkite-step",
        "The token is of another step than the publisher's.",
        "Publish in the publisher's step, or change its `step_key`.";
    BUILDKITE_TAG = "buildkite-tag",
        "The build is of another tag than the publisher's, or of none.",
        "Build a tag that the publisher's `build_tag` matches, or change the publisher.";
}
