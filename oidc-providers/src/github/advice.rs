//! Advice for a job on GitHub Actions, before it asks a registry.

use oidc_core::Diagnosis;

use super::publisher::WORKFLOWS;
use crate::advice::{called_workflow, event, no_environment, self_hosted};
use crate::codes;
use crate::links;
use crate::rules::token::Token;

/// Properties of this job that are easily overlooked.
pub(super) fn advise(token: &Token<'_>) -> Vec<Diagnosis> {
    let claims = token.claims;
    let runner = "let the publishing job run on a runner of GitHub's, such as `runs-on: ubuntu-latest`";
    let reusable = (codes::GITHUB_REUSABLE_WORKFLOW, links::GITHUB_REUSABLE);
    let advice = [
        event(claims, codes::GITHUB_EVENT, links::GITHUB_EVENTS),
        called_workflow(token, &WORKFLOWS, reusable, "give `permissions: id-token: write` to both"),
        self_hosted(claims, codes::GITHUB_SELF_HOSTED, runner, links::GITHUB_OIDC),
        no_environment(claims, codes::GITHUB_NO_ENVIRONMENT, links::GITHUB_ENVIRONMENTS),
    ];
    advice.into_iter().flatten().collect()
}
