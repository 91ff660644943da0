use oidc_core::ClaimRule;

use crate::rules::workflow;

/// Every claim that GitHub is known to put into a token (GitHub's OIDC reference, and `claims_supported` of its
/// discovery document).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::registered("iss"),
    ClaimRule::registered("aud"),
    ClaimRule::registered("exp"),
    ClaimRule::registered("iat"),
    ClaimRule::registered("jti"),
    ClaimRule::optional("nbf"),
    ClaimRule::required("repository"),
    ClaimRule::required("repository_id").immutable(),
    ClaimRule::required("repository_owner"),
    ClaimRule::required("repository_owner_id").immutable(),
    ClaimRule::required("workflow_ref"),
    ClaimRule::required("job_workflow_ref"),
    ClaimRule::required("event_name"),
    // Empty in the job of a deployment.
    ClaimRule::required_or_empty("ref"),
    ClaimRule::required("sha").immutable(),
    ClaimRule::optional("job_workflow_sha").immutable(),
    ClaimRule::optional("environment"),
    ClaimRule::optional("ref_protected"),
    ClaimRule::optional("runner_environment"),
    ClaimRule::optional("run_id"),
    ClaimRule::optional("run_attempt"),
    ClaimRule::ignored("sub"),
    ClaimRule::ignored("actor"),
    ClaimRule::ignored("actor_id").immutable(),
    ClaimRule::ignored("base_ref"),
    ClaimRule::ignored("check_run_id"),
    ClaimRule::ignored("enterprise"),
    ClaimRule::ignored("enterprise_id").immutable(),
    ClaimRule::ignored("environment_node_id").immutable(),
    ClaimRule::ignored("head_ref"),
    ClaimRule::ignored("issuer_scope"),
    ClaimRule::ignored("ref_type"),
    ClaimRule::ignored("repository_visibility"),
    ClaimRule::ignored("run_number"),
    ClaimRule::ignored("workflow"),
    ClaimRule::ignored("workflow_sha").immutable(),
];

/// The prefix of a repository's custom properties. The organization chooses the rest of their names.
pub(super) const CLAIM_PREFIXES: &[&str] = &["repo_property_"];

/// The folder of workflows in a repository; GitHub reads no workflows from its subfolders.
const FOLDER: &str = ".github/workflows/";

/// A path that begins with `OWNER/NAME/.github/workflows/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WorkflowPath<'a> {
    /// `OWNER/NAME`.
    pub(super) repository: &'a str,
    /// The rest of the path, after the folder.
    pub(super) rest: &'a str,
}

impl<'a> WorkflowPath<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (repository, path) = workflow::split_repository(text)?;
        Some(Self { repository, rest: path.strip_prefix(FOLDER)? })
    }
}

/// Returns the repository and the file's name of a `workflow_ref`, whose `revision` is the run's ref, or its commit
/// where it has no ref.
pub(super) fn split_workflow_ref<'a>(workflow_ref: &'a str, revision: &str) -> Option<(&'a str, &'a str)> {
    let (repository, path) = workflow::split(workflow_ref, revision)?;
    let file = path.strip_prefix(FOLDER)?;
    (!file.is_empty() && !file.contains('/')).then_some((repository, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_ref_is_taken_apart_at_its_own_ref_only() {
        for (text, revision, file) in [
            ("a/b/.github/workflows/ci.yml@refs/heads/main", "refs/heads/main", Some("ci.yml")),
            ("a/.github/.github/workflows/ci.yml@refs/heads/main", "refs/heads/main", Some("ci.yml")),
            ("a/b/.github/workflows/x@y.yml@refs/tags/@s/p@1.0", "refs/tags/@s/p@1.0", Some("x@y.yml")),
            ("a/b/.github/workflows/ci.yml@e.yml@refs/heads/main", "refs/heads/main", Some("ci.yml@e.yml")),
            ("a/b/.github/workflows/ci.yml@refs/heads/x@y.yml", "refs/heads/x@y.yml", Some("ci.yml")),
            ("a/b/.github/workflows/ci.yml@refs/heads/x@y.yml", "y.yml", None),
            ("a/b/.github/workflows/ci.yml@refs/heads/main", "heads/main", None),
            ("a/b/.github/workflows/ci.yml@refs/heads/main", "refs/heads/mai", None),
            ("a/b/.github/workflows/ci.yml@refs/heads/main", "", None),
            ("a/b/.github/workflows/ci.yml@", "", None),
            ("a/b/.github/workflows/ci.yml", "ci.yml", None),
            ("a/b/.github/workflows/@r", "r", None),
            ("a/b/.github/workflows/sub/ci.yml@r", "r", None),
            ("a/b/ci.yml@r", "r", None),
            ("a/b/c/.github/workflows/ci.yml@r", "r", None),
            ("b/.github/workflows/ci.yml@r", "r", None),
            ("/b/.github/workflows/ci.yml@r", "r", None),
            ("a//.github/workflows/ci.yml@r", "r", None),
            ("", "r", None),
        ] {
            let found = split_workflow_ref(text, revision).map(|(_, file)| file);
            assert_eq!(found, file, "{text} {revision}");
        }
    }
}
