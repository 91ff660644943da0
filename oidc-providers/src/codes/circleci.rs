//! CircleCI.

oidc_core::__codes! {
    CIRCLECI_CONTEXT = "circleci-context",
        "The job lacks one of the publisher's contexts.",
        "Add the publisher's contexts to the job, or change its `context_ids`.";
    CIRCLECI_NO_VCS_ORIGIN = "circleci-no-vcs-origin",
        "The publisher names a repository and the pipeline has none, or the other way round; as a notice, that the job tells none.",
        "Publish from a pipeline that a repository starts, or leave `vcs_origin` out of the publisher.";
    CIRCLECI_ORGANIZATION = "circleci-organization",
        "The job is of another organization than the publisher's.",
        "Publish from the publisher's organization, or change the publisher.";
    CIRCLECI_PIPELINE_DEFINITION = "circleci-pipeline-definition",
        "The job is of another pipeline definition than the publisher's.",
        "Publish by the publisher's pipeline definition, or change the publisher.";
    CIRCLECI_PROJECT = "circleci-project",
        "The job is of another project than the publisher's.",
        "Publish from the publisher's project, or change the publisher.";
    CIRCLECI_SSH_RERUN = "circleci-ssh-rerun",
        "The job was run again with SSH, so that whoever is logged in can take its token.",
        "Run the job again without SSH.";
    CIRCLECI_VCS_ORIGIN = "circleci-vcs-origin",
        "The job is of another repository than the publisher's.",
        "Publish from the publisher's repository, or change its `vcs_origin`.";
    CIRCLECI_VCS_REF = "circleci-vcs-ref",
        "The job is of another branch or tag than the publisher's.",
        "Publish from a ref that the publisher's `vcs_ref` matches, or change the publisher.";
}
