//! GitHub Actions.

oidc_core::__codes! {
    GITHUB_ENVIRONMENT = "github-environment",
        "The job runs in another environment than the publisher's.",
        "Let the job use the publisher's environment, or change the publisher.";
    GITHUB_EVENT = "github-event",
        "The run was started by an event that the publisher does not accept.",
        "Publish by a push, a tag or a release, or change the publisher's `event`.";
    GITHUB_FORK = "github-fork",
        "A pull request from a fork gets no identity token.",
        "Publish after the merge: by a push, a tag or a release of the repository itself.";
    GITHUB_INVALID_TOKEN = "github-invalid-token",
        "The token in GitHub's answer is no identity token.",
        "Run the job again; look at GitHub's status page if it persists.";
    GITHUB_JOB_WORKFLOW = "github-job-workflow",
        "The job's steps are in another called workflow than the publisher's, or in none.",
        "Call the publisher's workflow, or change its `job_workflow`.";
    GITHUB_NO_ENVIRONMENT = "github-no-environment",
        "The job has no environment, whose protection rules could hold a publish back.",
        "Add an environment with required reviewers to the job and to the publisher.";
    GITHUB_NO_TOKEN = "github-no-token",
        "GitHub's answer holds no identity token.",
        "Run the job again; look at GitHub's status page if it persists.";
    GITHUB_NOT_PERMITTED = "github-not-permitted",
        "The job may not ask for identity tokens.",
        "Add `permissions: id-token: write` to the job, and to the calling job of a reusable workflow.";
    GITHUB_REF = "github-ref",
        "The run is of another branch or tag than the publisher's.",
        "Publish from a ref that the publisher's `ref` matches, or change the publisher.";
    GITHUB_REF_PROTECTED = "github-ref-protected",
        "The publisher asks for a protected branch or tag, and the run's is not.",
        "Protect the branch or tag by a rule of the repository.";
    GITHUB_REFUSED = "github-refused",
        "GitHub refused to give an identity token, or kept failing.",
        "Check `permissions: id-token: write`, and ask while the job runs; look at GitHub's status page if it persists.";
    GITHUB_REPOSITORY = "github-repository",
        "The run is of another repository than the publisher's.",
        "Publish from the publisher's repository, or change the publisher.";
    GITHUB_REPOSITORY_ID = "github-repository-id",
        "The repository has the name that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new repository is yours.";
    GITHUB_REPOSITORY_OWNER = "github-repository-owner",
        "The token names an owner that is not its repository's.",
        "Tell GitHub: the token contradicts itself.";
    GITHUB_REPOSITORY_OWNER_ID = "github-repository-owner-id",
        "The repository's owner has the name that the publisher has, and another id: the account was deleted and created again.",
        "Configure the publisher again, if the new account is yours.";
    GITHUB_REQUEST_URL = "github-request-url",
        "The runner's variable with the token's address holds no URL that a token may be asked from.",
        "Leave the variable as the runner sets it.";
    GITHUB_REUSABLE_WORKFLOW = "github-reusable-workflow",
        "The job's steps are in a called workflow, and registries differ in which of the two workflows they compare.",
        "Name the workflow in the publisher that the registry compares.";
    GITHUB_RUNNER_ENVIRONMENT = "github-runner-environment",
        "The job runs on another kind of runner than the publisher's.",
        "Publish on the publisher's kind of runner, or change its `runner_environment`.";
    GITHUB_SELF_HOSTED = "github-self-hosted",
        "The job runs on a self-hosted runner, which other jobs may have touched.",
        "Publish on a runner that GitHub hosts.";
    GITHUB_UNAVAILABLE = "github-unavailable",
        "No complete answer came from GitHub to the request for an identity token.",
        "Run the job again; look at GitHub's status page if it persists.";
    GITHUB_WORKFLOW = "github-workflow",
        "The run began with another workflow file than the publisher's.",
        "Publish from the publisher's workflow, or change the publisher.";
    GITHUB_WORKFLOW_REF = "github-workflow-ref",
        "The workflow that the token names is not a file at the run's own ref.",
        "Publish from a workflow that exists at the ref for which it runs.";
}
