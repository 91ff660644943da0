//! The run of a token, with links to it on the server's pages.

use oidc_core::{Claims, HttpUrl, Run, RunSource};

use super::fields::REPOSITORY;
use super::{ISSUER, SERVER};
use crate::rules::link::link;
use crate::rules::names::before_ref;

/// The host of a data-residency instance is `SUBDOMAIN.ghe.com`, and its issuer's host
/// `token.actions.SUBDOMAIN.ghe.com`.
const RESIDENCY_PREFIX: &str = "token.actions.";
const RESIDENCY_SUFFIX: &str = ".ghe.com";

/// The run that a token is of.
pub(super) fn of(server: &str, claims: &Claims) -> Run {
    let text = |claim| claims.text(claim).map(String::from);
    let mut run = Run::default();
    run.repository = text(REPOSITORY.claim);
    run.url = run_url(server, claims);
    run.sha = text("sha");
    run.r#ref = text("ref");
    let mut source = RunSource::default();
    source.commit_url = commit_url(server, claims);
    source.workflow = workflow_of(claims);
    source.workflow_url = workflow_url(server, claims, source.workflow.as_deref());
    run.source = Some(Box::new(source));
    run
}

fn commit_url(server: &str, claims: &Claims) -> Option<String> {
    let (repository, sha) = (claims.text(REPOSITORY.claim)?, claims.text("sha")?);
    link(server, &[&repository, "commit", &sha])
}

fn workflow_url(server: &str, claims: &Claims, workflow: Option<&str>) -> Option<String> {
    let (repository, sha) = (claims.text(REPOSITORY.claim)?, claims.text("sha")?);
    link(server, &[&repository, "blob", &sha, workflow?])
}

fn run_url(server: &str, claims: &Claims) -> Option<String> {
    let repository = claims.text(REPOSITORY.claim)?;
    let run = claims.text("run_id")?;
    match claims.text("run_attempt") {
        Some(attempt) => link(server, &[&repository, "actions/runs", &run, "attempts", &attempt]),
        None => link(server, &[&repository, "actions/runs", &run]),
    }
}

/// The path of the workflow that the run began with. It is in the token's own repository, or there is none.
fn workflow_of(claims: &Claims) -> Option<String> {
    let (repository, workflow) = (claims.text(REPOSITORY.claim)?, claims.text("workflow_ref")?);
    let path = workflow.strip_prefix(&*repository)?.strip_prefix('/')?;
    before_ref(path).map(str::to_owned)
}

/// The web site that shows the runs of an issuer.
pub(super) fn server_of(issuer: &HttpUrl) -> String {
    let host = issuer.host_and_port();
    let is_public =
        issuer.as_str().strip_prefix(ISSUER).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_public {
        return SERVER.to_owned();
    }
    let subdomain = host.strip_prefix(RESIDENCY_PREFIX).filter(|rest| rest.ends_with(RESIDENCY_SUFFIX));
    let scheme = if issuer.as_str().starts_with("https:") { "https" } else { "http" };
    format!("{scheme}://{}", subdomain.unwrap_or(&host))
}
