//! Semaphore.

oidc_core::__codes! {
    SEMAPHORE_DEBUG_JOB = "semaphore-debug-job",
        "The job is one that a person debugs, so that whoever is logged in can take its token.",
        "Run the pipeline again.";
    SEMAPHORE_ORGANIZATION = "semaphore-organization",
        "The job is of another organization than the publisher's.",
        "Publish from the publisher's organization, or change the publisher.";
    SEMAPHORE_PROJECT = "semaphore-project",
        "The job is of another project than the publisher's.",
        "Publish from the publisher's project, or change the publisher.";
    SEMAPHORE_PULL_REQUEST = "semaphore-pull-request",
        "The job is of a pull request, whose code nobody has approved yet.",
        "Publish after the merge, from a branch or a tag.";
    SEMAPHORE_REF = "semaphore-ref",
        "The job is of another branch or tag than the publisher's.",
        "Publish from a ref that the publisher's `ref` matches, or change the publisher.";
    SEMAPHORE_REPOSITORY = "semaphore-repository",
        "The project builds another repository than the publisher's.",
        "Build the publisher's repository, or change the publisher.";
    SEMAPHORE_TOKEN_MISSING = "semaphore-token-missing",
        "The job has no identity token.",
        "Publish in a job of Semaphore Cloud, on a plan with OpenID Connect.";
}
