//! Faults of a publisher's configuration, on any platform.

oidc_core::__codes! {
    PUBLISHER_CI_CONFIG = "publisher-ci-config",
        "A publisher's CI configuration file has no usable path.",
        "Write a path within the project, such as `.gitlab-ci.yml`.";
    PUBLISHER_CLAIM = "publisher-claim",
        "A publisher's claim can't be compared, or its value can't.",
        "Write the claim's name and a value of the type that the message names.";
    PUBLISHER_EMAIL = "publisher-email",
        "A publisher's account is no e-mail address.",
        "Write the service account's address.";
    PUBLISHER_ENVIRONMENT = "publisher-environment",
        "A publisher's environment has a name that the platform does not allow.",
        "Write the environment's name as the platform shows it.";
    PUBLISHER_EVENT = "publisher-event",
        "A publisher's event is not written as the platform names events, or is one that strangers can start.",
        "Write the event as the message proposes.";
    PUBLISHER_EXTENSION = "publisher-extension",
        "A publisher's workflow file does not end in `.yml` or `.yaml`.",
        "Write the file's name with its ending.";
    PUBLISHER_FOUND_BY = "publisher-found-by",
        "A publisher does not name the claim by which it is found, or names one that does not tell the tenants of the issuer apart.",
        "Name a claim that tells the issuer's tenants apart, such as `sub`.";
    PUBLISHER_ID = "publisher-id",
        "An id in a publisher's configuration can't be an id on its platform.",
        "Write the id as the platform shows it.";
    PUBLISHER_JOB_WORKFLOW = "publisher-job-workflow",
        "A publisher's called workflow is no repository with a path and a ref.",
        "Write it as `OWNER/REPOSITORY/.github/workflows/FILE@REF`.";
    PUBLISHER_LOOK_ALIKE = "publisher-look-alike",
        "A publisher's value holds characters that look like others.",
        "Type the value again in plain letters.";
    PUBLISHER_NO_RULES = "publisher-no-rules",
        "A publisher has no claims to compare, or more than it may have.",
        "Write 1 to 32 claims with the values that they must have.";
    PUBLISHER_ORGANIZATION = "publisher-organization",
        "A publisher's organization is another than its issuer's.",
        "Write the issuer's organization.";
    PUBLISHER_PROJECT = "publisher-project",
        "A publisher's project is no path of a GitLab project.",
        "Write it as `GROUP/PROJECT`.";
    PUBLISHER_REF = "publisher-ref",
        "A publisher's ref is no pattern of branches or tags.",
        "Write it as `refs/heads/main` or `refs/tags/v*`.";
    PUBLISHER_REPOSITORY = "publisher-repository",
        "A publisher's repository is no name of a GitHub repository.",
        "Write it as `OWNER/NAME`.";
    PUBLISHER_ROLE = "publisher-role",
        "A publisher's role is not the ARN of a role.",
        "Write the ARN that the message shows.";
    PUBLISHER_SLUG = "publisher-slug",
        "A name in a publisher's configuration can't be a name on its platform.",
        "Write the name as it is in the platform's URLs.";
    PUBLISHER_VALUE = "publisher-value",
        "A publisher's value is not one that its platform has.",
        "Write one of the values that the message names.";
    PUBLISHER_VCS_ORIGIN = "publisher-vcs-origin",
        "A publisher's repository is not written as CircleCI's tokens have it.",
        "Write it as `github.com/OWNER/NAME`.";
    PUBLISHER_WORKFLOW = "publisher-workflow",
        "A publisher's workflow is a path instead of the file's name.",
        "Write the file's name alone.";
}
