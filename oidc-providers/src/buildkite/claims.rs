use oidc_core::ClaimRule;

/// Every claim that Buildkite is known to put into a token (Buildkite's documentation of OIDC in Pipelines and of
/// `buildkite-agent oidc`).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("organization_slug"),
    ClaimRule::required("pipeline_slug"),
    // Every publisher needs these two. A token has them only if the job asks for them, so they are optional
    // here and `publisher.rs` reports a missing id with the command that asks for it.
    ClaimRule::optional("organization_id").immutable(),
    ClaimRule::optional("pipeline_id").immutable(),
    ClaimRule::optional("step_key"),
    ClaimRule::optional("build_branch"),
    ClaimRule::optional("build_tag"),
    ClaimRule::optional("build_number"),
    ClaimRule::optional("build_commit").immutable(),
    ClaimRule::optional("job_id"),
    ClaimRule::ignored("sub"),
    ClaimRule::ignored("agent_id"),
    ClaimRule::ignored("build_id"),
    ClaimRule::ignored("build_source"),
    ClaimRule::ignored("cluster_id").immutable(),
    ClaimRule::ignored("cluster_name"),
    ClaimRule::ignored("queue_id").immutable(),
    ClaimRule::ignored("queue_key"),
    ClaimRule::ignored("runner_environment"),
];

/// The tags of the agent. The agent's owner chooses their names.
pub(super) const CLAIM_PREFIXES: &[&str] = &["agent_tag:"];
