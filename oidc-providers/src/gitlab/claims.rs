use oidc_core::{ClaimRule, Claims};

use super::fields::{CI_CONFIG, PROJECT};
use crate::rules::Comparison;

/// Every claim that GitLab is known to put into a token (GitLab's reference of ID tokens, as of 18.9).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("sub"),
    ClaimRule::required("project_path"),
    ClaimRule::required("project_id").immutable(),
    ClaimRule::required("namespace_path"),
    ClaimRule::required("namespace_id").immutable(),
    // Every publisher needs this claim. It is `null` for a configuration outside of the project, so it is
    // optional here and `publisher.rs` reports that case with its own message.
    ClaimRule::optional("ci_config_ref_uri"),
    ClaimRule::required("ref_path"),
    ClaimRule::required("sha").immutable(),
    ClaimRule::required("pipeline_source"),
    ClaimRule::optional("job_project_path"),
    ClaimRule::optional("job_project_id").immutable(),
    ClaimRule::optional("environment"),
    ClaimRule::optional("ref_protected"),
    ClaimRule::optional("runner_environment"),
    ClaimRule::optional("job_id"),
    ClaimRule::ignored("ci_config_sha").immutable(),
    ClaimRule::ignored("deployment_tier"),
    ClaimRule::ignored("environment_action"),
    ClaimRule::ignored("environment_protected"),
    ClaimRule::ignored("groups_direct"),
    ClaimRule::ignored("job_config"),
    ClaimRule::ignored("job_namespace_id").immutable(),
    ClaimRule::ignored("job_namespace_path"),
    ClaimRule::ignored("job_source"),
    ClaimRule::ignored("pipeline_id"),
    ClaimRule::ignored("project_visibility"),
    ClaimRule::ignored("ref"),
    ClaimRule::ignored("ref_type"),
    ClaimRule::ignored("runner_id").immutable(),
    ClaimRule::ignored("target_audience"),
    ClaimRule::ignored("user_access_level"),
    ClaimRule::ignored("user_email"),
    ClaimRule::ignored("user_id").immutable(),
    ClaimRule::ignored("user_identities"),
    ClaimRule::ignored("user_login"),
];

/// `HOST/PROJECT//FILE@REVISION` of `ci_config_ref_uri`, split by the values of the token and of the
/// configuration. It does not search for separators, since files and refs may contain `//` and `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CiConfig<'a> {
    /// The project that the file is in.
    pub(super) project: &'a str,
    /// The file's path in it.
    pub(super) file: &'a str,
}

impl<'a> CiConfig<'a> {
    /// Splits a claim. `instance` is the issuer without its scheme, `project` has the length of the project
    /// in the claim, and one of `revisions` is the claim's end.
    pub(super) fn parse(uri: &'a str, instance: &str, project: &str, revisions: [&str; 2]) -> Option<Self> {
        let rest = uri.strip_prefix(instance)?.strip_prefix('/')?;
        let (found, rest) = rest.split_at_checked(project.len())?;
        let rest = rest.strip_prefix("//")?;
        let strip = |revision: &&str| rest.strip_suffix(*revision).and_then(|rest| rest.strip_suffix('@'));
        let file = revisions.iter().filter(|revision| !revision.is_empty()).find_map(strip)?;
        (!file.is_empty()).then_some(Self { project: found, file })
    }
}

/// Returns the path of a job's CI configuration, if it is a file of the job's own project at the pipeline's revision.
pub(super) fn own_file(claims: &Claims, comparison: Comparison) -> Option<String> {
    let text = |claim| claims.text(claim).unwrap_or_default();
    let (uri, project) = (text(CI_CONFIG.claim), text(PROJECT.claim));
    let found = CiConfig::parse(&uri, instance(&text("iss")), &project, [&*text("ref_path"), &*text("sha")])?;
    // `CiConfig::parse` cuts the project off by its length alone.
    comparison.same(&PROJECT, found.project, &project).then(|| found.file.to_owned())
}

/// The issuer as `ci_config_ref_uri` begins: host, port and path, without the scheme.
pub(super) fn instance(issuer: &str) -> &str {
    issuer.split_once("://").map_or(issuer, |(_, rest)| rest).trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_taken_apart_at_its_own_project_and_ref_only() {
        for (uri, file) in [
            ("gitlab.example/a/b//.gitlab-ci.yml@refs/heads/main", Some(".gitlab-ci.yml")),
            ("gitlab.example/a/b//.gitlab-ci.yml@0123", Some(".gitlab-ci.yml")),
            ("gitlab.example/A/B//ci//x@y.yml@refs/heads/main", Some("ci//x@y.yml")),
            ("gitlab.example/a/b//x.yml@refs/heads/main@refs/heads/main", Some("x.yml@refs/heads/main")),
            ("gitlab.example/a/b//x.yml@refs/heads/main2", None),
            ("gitlab.example/a/b//x.yml@heads/main", None),
            ("gitlab.example/a/b//x.yml@", None),
            ("gitlab.example/a/b//x.yml", None),
            ("gitlab.example/a/b//@refs/heads/main", None),
            ("gitlab.example/a/b/x.yml@refs/heads/main", None),
            ("gitlab.example/a/bc//x.yml@refs/heads/main", None),
            ("gitlab.example/a/b/c//x.yml@refs/heads/main", None),
            ("gitlab.example2/a/b//x.yml@refs/heads/main", None),
            ("https://gitlab.example/a/b//x.yml@refs/heads/main", None),
            ("gitlab.example/é", None),
            ("", None),
        ] {
            let found = CiConfig::parse(uri, "gitlab.example", "a/b", ["refs/heads/main", "0123"]);
            assert_eq!(found.map(|found| found.file), file, "{uri}");
        }
        assert_eq!(CiConfig::parse("g/a/b//x@", "g", "a/b", ["", ""]), None);
    }
}
