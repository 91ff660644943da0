use oidc_core::ClaimRule;

/// Every claim that Forgejo puts into a token (`claims_supported` of its discovery document, and Forgejo's documentation of
/// OpenID Connect in Actions). All but the times are texts.
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::registered("iss"),
    ClaimRule::registered("aud"),
    ClaimRule::registered("exp"),
    ClaimRule::registered("iat"),
    ClaimRule::optional("nbf"),
    ClaimRule::required("repository"),
    ClaimRule::required("repository_owner"),
    // The first release with identity tokens, 15.0, has no ids in them.
    ClaimRule::optional("repository_id").immutable(),
    ClaimRule::optional("repository_owner_id").immutable(),
    ClaimRule::required("workflow_ref"),
    ClaimRule::required("event_name"),
    ClaimRule::required("ref"),
    ClaimRule::optional("ref_protected"),
    ClaimRule::optional("run_number"),
    ClaimRule::optional("sha").immutable(),
    ClaimRule::ignored("sub"),
    ClaimRule::ignored("jti"),
    ClaimRule::ignored("actor"),
    ClaimRule::ignored("actor_id").immutable(),
    ClaimRule::ignored("base_ref"),
    ClaimRule::ignored("head_ref"),
    ClaimRule::ignored("ref_type"),
    ClaimRule::ignored("run_attempt"),
    ClaimRule::ignored("run_id"),
    ClaimRule::ignored("workflow"),
];

/// Returns the repository and the file's path of a `workflow_ref`, by removing exactly `@` and the run's own ref
/// from its end. It does not search for an `@`, since tags and file names may contain one.
pub(super) fn split_workflow_ref<'a>(workflow_ref: &'a str, git_ref: &str) -> Option<(&'a str, &'a str)> {
    let whole = workflow_ref.strip_suffix(git_ref)?.strip_suffix('@')?;
    let (owner, rest) = whole.split_once('/')?;
    let (name, path) = rest.split_once('/')?;
    let repository = whole.get(..owner.len() + 1 + name.len())?;
    let is_whole = !git_ref.is_empty() && !owner.is_empty() && !name.is_empty() && !path.is_empty();
    is_whole.then_some((repository, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_ref_is_taken_apart_at_its_own_ref_only() {
        let path = Some(".forgejo/workflows/ci.yml");
        for (text, git_ref, expected) in [
            ("a/b/.forgejo/workflows/ci.yml@refs/heads/main", "refs/heads/main", path),
            ("a/b/.forgejo/workflows/ci.yml@refs/heads/x@y", "refs/heads/x@y", path),
            ("a/b/.forgejo/workflows/ci.yml@refs/heads/main", "heads/main", None),
            ("a/b/.forgejo/workflows/ci.yml@refs/heads/main", "refs/heads/mai", None),
            ("a/b/.forgejo/workflows/ci.yml@", "", None),
            ("a/b/@r", "r", None),
            ("a//x.yml@r", "r", None),
            ("/b/x.yml@r", "r", None),
            ("a@r", "r", None),
            ("", "r", None),
        ] {
            let found = split_workflow_ref(text, git_ref);
            assert_eq!(found.map(|(_, path)| path), expected, "{text} {git_ref}");
            assert!(found.is_none_or(|(repository, _)| repository == "a/b"), "{text}");
        }
    }
}
