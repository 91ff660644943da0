//! Bitbucket Pipelines.

oidc_core::__codes! {
    BITBUCKET_BRANCH = "bitbucket-branch",
        "The pipeline is of another branch than the publisher's, or of none.",
        "Publish from a branch that the publisher's `branch` matches, or change the publisher.";
    BITBUCKET_ENVIRONMENT = "bitbucket-environment",
        "The step is of another deployment environment than the publisher's, or of none.",
        "Let the step deploy to the publisher's environment, or change the publisher.";
    BITBUCKET_REPOSITORY = "bitbucket-repository",
        "The step is of another repository than the publisher's.",
        "Publish from the publisher's repository, or change the publisher.";
    BITBUCKET_TOKEN_MISSING = "bitbucket-token-missing",
        "The step asks for no identity token.",
        "Write `oidc` with the registry's audience into the step.";
    BITBUCKET_WORKSPACE = "bitbucket-workspace",
        "The step is of another workspace than the publisher's.",
        "Publish from the publisher's workspace, or change the publisher.";
}
