//! The facts of npm's public registry, for a diagnosis.

use super::row::{
    ComparedCase, ComparedWorkflow, Demand, KnownRefusal, ProtocolFacts, RegistryRules, TrustedPlatform,
    links, tools,
};

/// The public registry.
pub(super) const PUBLIC: &str = "https://registry.npmjs.org/";

/// The rules of npm, by its documentation.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Started).case(ComparedCase::Exact);

/// The refusal of npmjs's where the publisher allows another action, such as a staged publish alone.
pub(super) static KNOWN_REFUSALS: &[KnownRefusal] = &[KnownRefusal::of_publisher(
    "permission denied for this action",
    "look at the allowed actions of the package's trusted publisher, in its settings on npmjs: allow the direct publish, or publish \
     with `npm stage publish`",
)];

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::NPM, RULES, tools::NPM)
    // npm's own settings are examined by `npm_config`.
    .url_variables(&["YARN_NPM_PUBLISH_REGISTRY"])
    .left_open(
        "whether the trusted publisher allows a direct publish, and not only a staged one, npmjs tells at the upload alone: with `OIDC \
         permission denied for this action`",
        "look at the allowed actions of the package's trusted publisher, in its settings on npmjs",
    )
    .platforms(&[
        TrustedPlatform::public("github"),
        TrustedPlatform::public("gitlab"),
        TrustedPlatform::per_organization("circleci"),
    ])
    .demands(&[Demand::any_but("runner_environment", &["self-hosted"]).or(
        "this job runs on a self-hosted runner, and npmjs lets none publish",
        None,
        "let the publishing job run on a runner that the platform hosts",
    )]);
