//! Signers that are not the publisher's job, and what only the registry's policy is against.

use oidc_provenance::codes;
use serde_json::json;

use super::{Case, case};

/// Signed by somebody else than the publisher's job.
pub(super) fn signers() -> Vec<Case> {
    let elsewhere = "acme/shared/.github/workflows/publish.yml@refs/heads/main";
    let at = |workflow: &str| format!("https://github.com/{workflow}");
    vec![
        case("another repository", "github-repository").job(&[("repository", "evil/gadget")]),
        case("a repository of another owner", "github-repository").job(&[("repository", "evil/widget")]),
        case("a repository created anew", "github-repository-id")
            .job(&[("repository_id", "3")])
            .publisher(json!({ "repository_id": "2" })),
        case("an account created anew", "github-repository-owner-id")
            .job(&[("repository_owner_id", "3")])
            .publisher(json!({ "repository_owner_id": "1" })),
        case("no id of the repository", "claim-missing").without(15),
        case("another workflow", "github-workflow")
            .job(&[("workflow_ref", "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0")]),
        case("the called workflow in place of the started one", "github-workflow").job(&[
            ("workflow_ref", "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0"),
            ("job_workflow_ref", "acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0"),
        ]),
        case("a workflow of another repository", "github-workflow-ref").extension(18, &at(elsewhere)),
        case("another called workflow", "github-job-workflow")
            .job(&[("job_workflow_ref", "evil/shared/.github/workflows/release.yml@refs/tags/v1")])
            .publisher(json!({ "job_workflow": "acme/shared/.github/workflows/release.yml@refs/tags/*" })),
        case("another ref", "github-ref")
            .job(&[("ref", "refs/heads/main")])
            .publisher(json!({ "ref": "refs/tags/v*" })),
        case("no environment", "environment-missing").publisher(json!({ "environment": "publish" })),
        case("another environment", "github-environment")
            .job(&[("environment", "test")])
            .publisher(json!({ "environment": "publish" })),
        case("an event that strangers can start", "github-event")
            .job(&[("event_name", "pull_request_target")]),
        case("an event that the publisher does not name", "github-event")
            .publisher(json!({ "event": "release" })),
        case("a self-hosted runner, against the publisher", "github-runner-environment")
            .job(&[("runner_environment", "self-hosted")])
            .publisher(json!({ "runner_environment": "github-hosted" })),
        case("another issuer", "issuer").extension(8, "https://evil.example"),
        case("an issuer that begins alike", "issuer")
            .extension(8, "https://token.actions.githubusercontent.com/evil"),
        case("no issuer", "claim-missing").without(8),
        case("another platform's server", codes::PROVENANCE_EXTENSION)
            .extension(12, "https://gitlab.com/acme/widget"),
        case("a contradiction between repository and run", codes::PROVENANCE_EXTENSION)
            .extension(21, "https://github.com/evil/gadget/actions/runs/1000000001/attempts/1"),
        case("a name that is not the job's", codes::PROVENANCE_SIGNER)
            .name(Some("https://github.com/evil/gadget")),
        case("a name that only begins like the job's", codes::PROVENANCE_SIGNER)
            .name(Some("https://github.com/acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0.evil")),
        case("no workflow that holds the job", codes::PROVENANCE_SIGNER).without(9),
        case("no name", codes::PROVENANCE_CERTIFICATE).name(None),
    ]
}

/// Signers that the registry's own policy alone refuses.
pub(super) fn policies() -> Vec<Case> {
    vec![
        case("a private repository", codes::PROVENANCE_VISIBILITY)
            .job(&[("repository_visibility", "private")]),
        case("an internal repository", codes::PROVENANCE_VISIBILITY)
            .job(&[("repository_visibility", "internal")]),
        case("an unknown visibility", codes::PROVENANCE_VISIBILITY).without(22),
        case("a self-hosted runner", codes::PROVENANCE_RUNNER).job(&[("runner_environment", "self-hosted")]),
        case("another platform's runner", codes::PROVENANCE_RUNNER)
            .job(&[("runner_environment", "gitlab-hosted")]),
        case("a manifest without a repository", codes::PROVENANCE_REPOSITORY).repository(None),
        case("a manifest with another repository", codes::PROVENANCE_REPOSITORY)
            .repository(Some(json!("evil/gadget"))),
        case("a manifest with another case", codes::PROVENANCE_REPOSITORY)
            .repository(Some(json!("acme/Widget"))),
    ]
}
