//! What a job on GitHub Actions can be told before it asks a registry.

use oidc_core::{Claims, Diagnosis, Setting, Severity, Subject};

use super::claims::{WorkflowPath, split_workflow_ref};
use super::publisher::PULL_REQUEST_TARGET;
use crate::links;

/// What a publisher that lets this job in is configured with.
pub(super) fn settings(claims: &Claims) -> Vec<Setting> {
    let text = |claim| claims.text(claim).filter(|text| !text.is_empty()).map(String::from);
    let workflow_ref = text("workflow_ref");
    let revision = text("ref").or_else(|| text("sha")).unwrap_or_default();
    let workflow = workflow_ref.as_deref().and_then(|whole| split_workflow_ref(whole, &revision));
    let job_workflow = text("job_workflow_ref").filter(|called| Some(called) != workflow_ref.as_ref());
    vec![
        Setting::required("repository", "repository", text("repository")),
        Setting::required("workflow", "workflow_ref", workflow.map(|(_, file)| file.to_owned())),
        Setting::optional("environment", "environment", text("environment")),
        Setting::optional("repository_id", "repository_id", text("repository_id")),
        Setting::optional("repository_owner_id", "repository_owner_id", text("repository_owner_id")),
        Setting::optional("ref", "ref", text("ref")),
        Setting::optional("ref_protected", "ref_protected", text("ref_protected")),
        Setting::optional("event", "event_name", text("event_name")),
        Setting::optional("job_workflow", "job_workflow_ref", job_workflow),
        Setting::optional("runner_environment", "runner_environment", text("runner_environment")),
    ]
}

/// What about this job is easily overlooked.
pub(super) fn advise(claims: &Claims) -> Vec<Diagnosis> {
    [event(claims), reusable_workflow(claims), self_hosted(claims), no_environment(claims)]
        .into_iter()
        .flatten()
        .collect()
}

fn event(claims: &Claims) -> Option<Diagnosis> {
    let event = claims.text("event_name")?;
    let (severity, problem, fix) = match &*event {
        PULL_REQUEST_TARGET => (
            Severity::Error,
            "registries let no job publish that `pull_request_target` started, since strangers can start it",
            "start the publish by another event: `push` of a tag, `release` or `workflow_dispatch`",
        ),
        "workflow_run" => (
            Severity::Warning,
            "some registries, crates.io among them, let no job publish that `workflow_run` started",
            "start the publish by another event: `push` of a tag, `release` or `workflow_dispatch`",
        ),
        "pull_request" => (
            Severity::Warning,
            "this job runs for a pull request, before it is merged",
            "publish after the merge: by `push` of a tag, `release` or `workflow_dispatch`",
        ),
        _ => return None,
    };
    let subject = Subject::Claim("event_name".to_owned());
    let diagnosis = Diagnosis::new("github-event", subject, problem).severity(severity).found(event);
    Some(diagnosis.fix(fix).link(links::GITHUB_EVENTS))
}

/// The workflow that a person started is the caller; the one that holds the job is the called one. Registries differ in
/// which of them they compare.
fn reusable_workflow(claims: &Claims) -> Option<Diagnosis> {
    let (caller, called) = (claims.text("workflow_ref")?, claims.text("job_workflow_ref")?);
    if caller == called || called.is_empty() {
        return None;
    }
    let of_other = |path: &str| {
        let other = WorkflowPath::parse(path).map(|path| path.repository.to_owned());
        let own = claims.text("repository");
        other.zip(own).is_some_and(|(other, own)| !other.eq_ignore_ascii_case(&own))
    };
    let place = if of_other(&called) { " in another repository" } else { "" };
    let problem =
        format!("this job is in a reusable workflow{place}: the workflow that was started called it");
    let fix = "configure the publisher with the file that was started (`workflow_ref`), which npm and crates.io compare; \
               PyPI compares the called one (`job_workflow_ref`); give `permissions: id-token: write` to both";
    let diagnosis =
        Diagnosis::new("github-reusable-workflow", Subject::Claim("workflow_ref".to_owned()), problem);
    Some(
        diagnosis
            .severity(Severity::Warning)
            .found(format!("{caller} called {called}"))
            .fix(fix)
            .link(links::GITHUB_REUSABLE),
    )
}

fn self_hosted(claims: &Claims) -> Option<Diagnosis> {
    let runner = claims.text("runner_environment").filter(|runner| runner == "self-hosted")?;
    let problem =
        "this job runs on a self-hosted runner, and some registries, npm's among them, let none publish";
    let diagnosis =
        Diagnosis::new("github-self-hosted", Subject::Claim("runner_environment".to_owned()), problem);
    let fix = "let the publishing job run on a runner of GitHub's, such as `runs-on: ubuntu-latest`";
    Some(diagnosis.severity(Severity::Warning).found(runner).fix(fix).link(links::GITHUB_OIDC))
}

fn no_environment(claims: &Claims) -> Option<Diagnosis> {
    if claims.text("environment").is_some_and(|environment| !environment.is_empty()) {
        return None;
    }
    let problem = "this job names no environment: a publisher that asks for one will not let it in";
    let fix = "if the publisher has an environment, add `environment: NAME` to the job, or else leave it out on both sides";
    let diagnosis =
        Diagnosis::new("github-no-environment", Subject::Claim("environment".to_owned()), problem);
    Some(diagnosis.severity(Severity::Notice).fix(fix).link(links::GITHUB_ENVIRONMENTS))
}
