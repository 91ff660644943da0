//! Advice for jobs, before they ask a registry, that platforms have in common.

use oidc_core::{Claims, Diagnosis, FieldValue, PublisherField, Severity, Target, Unverified};

use crate::provider::Platform;
use crate::rules::called::Workflows;
use crate::rules::token::Token;
use crate::rules::workflow::PULL_REQUEST_TARGET;

/// The events of GitHub's and of compatible runners by which no job should publish: the problem of each, and its fix.
const EVENTS: &[(&str, Severity, &str, &str)] = &[
    (
        PULL_REQUEST_TARGET,
        Severity::Error,
        "registries let no job publish that `pull_request_target` started, since strangers can start it",
        "start the publish by another event: `push` of a tag, `release` or `workflow_dispatch`",
    ),
    (
        "workflow_run",
        Severity::Warning,
        "some registries, crates.io among them, let no job publish that `workflow_run` started",
        "start the publish by another event: `push` of a tag, `release` or `workflow_dispatch`",
    ),
    (
        "pull_request",
        Severity::Warning,
        "this job runs for a pull request, before it is merged",
        "publish after the merge: by `push` of a tag, `release` or `workflow_dispatch`",
    ),
];

/// Advice for a job of a run that was started by an event by which none should publish.
pub(crate) fn event(claims: &Claims, code: &'static str, link: &'static str) -> Option<Diagnosis> {
    let event = claims.text("event_name")?;
    let (_, severity, problem, fix) = EVENTS.iter().find(|(name, ..)| *name == event)?;
    let diagnosis = Diagnosis::new(code, claim("event_name"), *problem).severity(*severity).found(event);
    Some(diagnosis.fix(*fix).link(link))
}

/// Advice for a job in a workflow that another one called. The caller is the workflow that was started, and the called
/// workflow holds the job. Registries differ in the one that they compare. `permit` is what both have to be given.
pub(crate) fn called_workflow(
    token: &Token<'_>,
    workflows: &'static Workflows,
    (code, link): (&'static str, &'static str),
    permit: &str,
) -> Option<Diagnosis> {
    let (claims, compared) = (token.claims, token.comparison.workflow);
    let (caller, called) = (claims.text(workflows.started.claim)?, claims.text(workflows.called.claim)?);
    if compared.is_neither() || caller == called || called.is_empty() {
        return None;
    }
    let other = workflows.split(&called).map(|(repository, _)| repository);
    let own = claims.text(workflows.repository.claim);
    let is_others = other.zip(own).is_some_and(|(other, own)| !other.eq_ignore_ascii_case(&own));
    let place = if is_others { " in another repository" } else { "" };
    let problem =
        format!("this job is in a reusable workflow{place}: the workflow that was started called it");
    let is_refused = compared.is_called() && !compared.is_anywhere() && is_others;
    let severity = if is_refused { Severity::Error } else { Severity::Warning };
    let file = workflows.file(token, "").ok();
    let fix = if is_refused {
        compared.elsewhere().to_owned()
    } else {
        let configure = compared.configure(file.as_deref(), other.filter(|_| is_others));
        format!("{configure}; {permit}")
    };
    let subject = claim(workflows.compared(compared).claim);
    let diagnosis = Diagnosis::new(code, subject, problem).severity(severity);
    Some(diagnosis.found(format!("{caller} called {called}")).fix(fix).link(link))
}

/// The settings of a publisher that accepts a job. The called workflow has one of its own only where another one called it.
pub(crate) fn settings_with_called(
    workflows: &'static Workflows,
    platform: &Platform,
    claims: &Unverified<Claims>,
) -> Vec<FieldValue> {
    let read = claims.read_unverified();
    let is_same = read.text(workflows.called.claim) == read.text(workflows.started.claim);
    let is_called = |field: &PublisherField| field.key == workflows.called.key;
    let unset =
        |field: &'static PublisherField| (is_same && is_called(field)).then(|| FieldValue::new(field, None));
    let mut settings = platform.settings_with(claims, unset);
    // Where the called workflow is compared, a second field for it would be the same rule.
    settings.retain(|setting| !platform.compared().is_called() || !is_called(setting.field));
    settings
}

/// Advice for a job that runs on a machine which is not the platform's.
pub(crate) fn self_hosted(
    claims: &Claims,
    code: &'static str,
    fix: &str,
    link: &'static str,
) -> Option<Diagnosis> {
    let runner = claims.text("runner_environment").filter(|runner| runner == "self-hosted")?;
    let problem =
        "this job runs on a self-hosted runner, and some registries, npm's among them, let none publish";
    let diagnosis = Diagnosis::new(code, claim("runner_environment"), problem);
    Some(diagnosis.severity(Severity::Warning).found(runner).fix(fix).link(link))
}

/// Advice for a job that names no environment.
pub(crate) fn no_environment(claims: &Claims, code: &'static str, link: &'static str) -> Option<Diagnosis> {
    if claims.text("environment").is_some_and(|environment| !environment.is_empty()) {
        return None;
    }
    let problem = "this job names no environment: a publisher that asks for one will not accept it";
    let fix = "if the publisher has an environment, add `environment: NAME` to the job, or else leave it out on both sides";
    let diagnosis = Diagnosis::new(code, claim("environment"), problem);
    Some(diagnosis.severity(Severity::Notice).fix(fix).link(link))
}

/// A claim as the target of advice.
pub(crate) fn claim(name: &str) -> Target {
    Target::Claim(name.to_owned())
}
