//! Forgejo.

oidc_core::__codes! {
    FORGEJO_EVENT = "forgejo-event",
        "The run was started by an event that the publisher does not accept.",
        "Publish by a push, a tag or a release, or change the publisher's `event`.";
    FORGEJO_NOT_ENABLED = "forgejo-not-enabled",
        "The workflow asks for no identity tokens.",
        "Add `enable-openid-connect: true` to the workflow or the job; Forgejo has no `permissions` for it.";
    FORGEJO_REF = "forgejo-ref",
        "The run is of another branch or tag than the publisher's.",
        "Publish from a ref that the publisher's `ref` matches, or change the publisher.";
    FORGEJO_REF_PROTECTED = "forgejo-ref-protected",
        "The publisher asks for a protected branch or tag, and the run's is not.",
        "Protect the branch or tag, or take `ref_protected` out of the publisher.";
    FORGEJO_REPOSITORY = "forgejo-repository",
        "The run is of another repository than the publisher's.",
        "Publish from the publisher's repository, or change the publisher.";
    FORGEJO_REPOSITORY_ID = "forgejo-repository-id",
        "The repository has the name that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new repository is yours.";
    FORGEJO_REPOSITORY_OWNER = "forgejo-repository-owner",
        "The token's owner is not the one in its repository's name.",
        "Tell the instance's administrators: the token contradicts itself.";
    FORGEJO_REPOSITORY_OWNER_ID = "forgejo-repository-owner-id",
        "The repository's owner has the name that the publisher has, and another id.",
        "Configure the publisher again, if the new owner is you.";
    FORGEJO_REQUEST_URL = "forgejo-request-url",
        "The runner's variable holds no URL that a token may be asked from.",
        "Leave the variable as the runner sets it.";
    FORGEJO_WORKFLOW = "forgejo-workflow",
        "The run is of another workflow file than the publisher's.",
        "Publish from the publisher's workflow, or change the publisher.";
    FORGEJO_WORKFLOW_REF = "forgejo-workflow-ref",
        "The workflow that the token names is not a file at the run's own ref.",
        "Publish from a workflow that exists at the ref for which it runs.";
}
