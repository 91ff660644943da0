//! ActiveState.

oidc_core::__codes! {
    ACTIVESTATE_ACTOR = "activestate-actor",
        "The build was started by another user than the publisher's.",
        "Have the publisher's user start the build, or change the publisher's `actor`.";
    ACTIVESTATE_BUILDER = "activestate-builder",
        "The token is of another of ActiveState's builders than the one that publishes.",
        "Publish by the builder that ActiveState has for it.";
    ACTIVESTATE_ORGANIZATION = "activestate-organization",
        "The build is of another organization than the publisher's.",
        "Build in the publisher's organization, or change the publisher.";
    ACTIVESTATE_ORGANIZATION_ID = "activestate-organization-id",
        "The organization has the name that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new organization is yours.";
    ACTIVESTATE_PROJECT = "activestate-project",
        "The build is of another project than the publisher's.",
        "Build in the publisher's project, or change the publisher.";
    ACTIVESTATE_PROJECT_ID = "activestate-project-id",
        "The project has the name that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new project is yours.";
    ACTIVESTATE_SUBJECT = "activestate-subject",
        "The token's subject is not the one of its organization and project.",
        "Tell ActiveState: the token contradicts itself.";
}
