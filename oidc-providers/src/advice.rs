//! Advice for jobs, before they ask a registry, that platforms have in common.

use oidc_core::{Claims, Diagnosis, Severity, Target};

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
