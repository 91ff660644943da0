//! GitLab CI/CD.

oidc_core::__codes! {
    GITLAB_CI_CONFIG = "gitlab-ci-config",
        "The pipeline began with another CI configuration file than the publisher's.",
        "Publish from the publisher's file, or change its `ci_config`.";
    GITLAB_CI_CONFIG_OUTSIDE = "gitlab-ci-config-outside",
        "The pipeline's CI configuration is outside of its project, where others may change it.",
        "Keep the CI configuration in the project itself.";
    GITLAB_ENVIRONMENT = "gitlab-environment",
        "The job runs in another environment than the publisher's.",
        "Let the job use the publisher's environment, or change the publisher.";
    GITLAB_EVENT = "gitlab-event",
        "The pipeline was started by something that the publisher does not accept.",
        "Start it by a push or a tag, or change the publisher's `event`.";
    GITLAB_ID_TOKEN_MISSING = "gitlab-id-token-missing",
        "The job declares no identity token for the registry.",
        "Declare one with `id_tokens` in the CI configuration.";
    GITLAB_JOB_PROJECT = "gitlab-job-project",
        "The job runs in another project than its pipeline's.",
        "Publish from a pipeline of the project itself.";
    GITLAB_MERGE_REQUEST = "gitlab-merge-request",
        "The pipeline is of a merge request, whose code nobody has approved yet.",
        "Publish after the merge, from a branch or a tag.";
    GITLAB_NAMESPACE_ID = "gitlab-namespace-id",
        "The group has the path that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new group is yours.";
    GITLAB_NAMESPACE_PATH = "gitlab-namespace-path",
        "The token names a group that is not its project's.",
        "Tell the instance's operator: the token contradicts itself.";
    GITLAB_NO_ENVIRONMENT = "gitlab-no-environment",
        "The job has no environment, whose protection could hold a publish back.",
        "Add a protected environment to the job and to the publisher.";
    GITLAB_PROJECT_ID = "gitlab-project-id",
        "The project has the path that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new project is yours.";
    GITLAB_PROJECT_PATH = "gitlab-project-path",
        "The job is of another project than the publisher's.",
        "Publish from the publisher's project, or change the publisher.";
    GITLAB_REF = "gitlab-ref",
        "The pipeline is of another branch or tag than the publisher's.",
        "Publish from a ref that the publisher's `ref` matches, or change the publisher.";
    GITLAB_REF_PROTECTED = "gitlab-ref-protected",
        "The publisher asks for a protected branch or tag, and the pipeline's is not.",
        "Protect the branch or tag in the project's settings.";
    GITLAB_RUNNER_ENVIRONMENT = "gitlab-runner-environment",
        "The job runs on another kind of runner than the publisher's.",
        "Publish on the publisher's kind of runner, or change its `runner_environment`.";
    GITLAB_SELF_HOSTED = "gitlab-self-hosted",
        "The job runs on a runner that is not GitLab's, which other jobs may have touched.",
        "Publish on a runner that GitLab hosts.";
}
